/** Every provider that has a dialect, and one of which nothing is known, by every wire that it can be spoken to. */
import { providerPresets, type WireName } from "../../../src/config/providers.ts";
import { wireToolsContract } from "../../contracts/wire-tools.contract.ts";
import { wireContract } from "../../contracts/wires.contract.ts";

function contracts(name: string, wire: WireName): void {
  wireContract(name, wire);
  wireToolsContract(name, wire);
}

for (const { name, wire } of providerPresets) {
  contracts(name, "chat");
  if (wire !== undefined) contracts(name, wire);
}
for (const wire of ["chat", "responses", "messages"] as const) contracts("relay", wire);
