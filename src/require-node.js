// Loaded before everything else. Plain old JavaScript: it has to run on the very Node that it turns away.
var version = process.versions.node.split(".").map(Number);
// Agents know proxies from 22.21 and 24.5 on.
var first = { 22: 21, 24: 5 };
if (version[0] < 22 || version[0] === 23 || version[1] < first[version[0]]) {
  console.error(
    "Parley needs Node 22.21 or newer (of Node 24: 24.5), this is " +
      process.versions.node +
      ". `npm start` brings its own Node after `npm ci`; otherwise install a newer one from https://nodejs.org.",
  );
  process.exit(1);
}

// What Node has made of the sources is kept beside the packages. A start with it takes half the time and 20 MB less: Node's own
// compiler of types is not even loaded. Where the folder cannot be written, nothing is kept.
var folder = process.getBuiltinModule("node:path").join(process.argv[1], "../../node_modules/.cache/parley");
process.getBuiltinModule("node:module").enableCompileCache(folder);
