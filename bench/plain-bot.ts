/** The floor at rest: a plain grammY bot that polls, with a health check. */
import { createServer } from "node:http";
import { Bot } from "grammy";

const bot = new Bot(process.env["BOT_TOKEN"] ?? "", {
  client: { apiRoot: process.env["TELEGRAM_API_ROOT"] ?? "" },
});
bot.on("message", (ctx) => ctx.reply("Hello!"));
await bot.start({
  onStart: () => void createServer((_, response) => response.end()).listen(Number(process.env["PORT"]), "127.0.0.1"),
});
