// Loaded before everything else. Plain old JavaScript: it has to run on the very Node that it turns away.
var version = process.versions.node.split(".").map(Number);
if (version[0] < 22 || (version[0] === 22 && version[1] < 18)) {
  console.error(
    "Parley needs Node 22.18 or newer, this is " +
      process.versions.node +
      ". `npm start` brings its own Node after `npm ci`; otherwise install a newer one from https://nodejs.org.",
  );
  process.exit(1);
}
