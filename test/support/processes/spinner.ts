/** A process that does nothing but use its core, for at most so many seconds: something else that the machine is busy with. */
const endsAt = performance.now() + Number(process.argv[2] ?? 60) * 1000;
process.on("disconnect", () => process.exit(0));
// Now and then it looks whether anybody still wants it.
function spin(): void {
  const until = performance.now() + 50;
  while (performance.now() < until);
  if (performance.now() < endsAt) setImmediate(spin);
  else process.exit(0);
}
spin();
