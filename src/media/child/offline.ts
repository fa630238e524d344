/**
 * Takes the network away from whatever runs in this process: no permission of Node 24 does. It holds for JavaScript, which is all
 * that a parser in JavaScript or WebAssembly can come to; native code is held by the system, where that has taken the network.
 */
import dgram from "node:dgram";
import dns from "node:dns";
import { syncBuiltinESMExports } from "node:module";
import net from "node:net";

/** Leaves only what is open already. Must come before any parser is loaded. */
export function goOffline(): void {
  net.Socket.prototype.connect = refuse;
  net.Server.prototype.listen = refuse;
  for (const method of ["bind", "connect", "send"] as const) dgram.Socket.prototype[method] = refuse;
  for (const names of [dns, dns.promises, dns.Resolver.prototype, dns.promises.Resolver.prototype]) refuseAll(names);
  syncBuiltinESMExports();
}

function refuse(): never {
  throw Object.assign(new Error("this process has no network"), { code: "ERR_ACCESS_DENIED" });
}

function refuseAll(names: object): void {
  for (const name of Object.getOwnPropertyNames(names)) {
    const { value } = Object.getOwnPropertyDescriptor(names, name) ?? {};
    if (typeof value === "function" && name !== "constructor") Object.assign(names, { [name]: refuse });
  }
}
