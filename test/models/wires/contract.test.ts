/** Every provider that has a dialect, and one of which nothing is known, by every wire that it can be spoken to. */
import { providerPresets } from "../../../src/config/providers.ts";
import { wireContract } from "../../contracts/wires.contract.ts";

for (const { name, wire } of providerPresets) {
  wireContract(name, "chat");
  if (wire !== undefined) wireContract(name, wire);
}
for (const wire of ["chat", "responses", "messages"] as const) wireContract("relay", wire);
