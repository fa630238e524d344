import { createStreamRenderer, renderMarkdown } from "./src/reply/markdown.ts";
import { splitRendered } from "./src/reply/split.ts";
const mk=(n:number)=>{let s="";let i=0;while(s.length<n){i++;s+=`## Section ${i}\n\nSome **bold** text with \`code\` and [link](https://example.com/${i}) plus *it*, $x_${i}^2$. And then an ordinary sentence follows, with nothing in it, as in most answers that one reads.\n\n- item one **b**\n- item two \`c\`\n  - nested\n\n| a | b |\n|---|---|\n| 1 | **2** |\n\n\`\`\`js\nconst a = ${i};\nfunction b() { return a * ${i}; }\n\`\`\`\n\n> quote ${i}\n\n`}return s.slice(0,n)};
const prose=(n:number)=>{let s="";let i=0;while(s.length<n)s+=`Paragraph ${++i} of an ordinary answer says **something** in a few sentences. It goes on for a while with \`a name\` and so on. Then it ends.\n\n`;return s.slice(0,n)};
const list=(n:number)=>{let s="";let i=0;while(s.length<n)s+=`${++i}. **Point ${i}**: some words about it with \`code\` and more words\n   - detail of the point\n`;return s.slice(0,n)};
const med=(f:()=>void,k:number)=>{const t:number[]=[];for(let i=0;i<k;i++){const a=performance.now();f();t.push(performance.now()-a)}t.sort((a,b)=>a-b);return `${t[k>>1]!.toFixed(1)} (min ${t[0]!.toFixed(1)})`};
for(const [n,s] of [["dense",mk(12000)],["prose",prose(12000)],["one list",list(12000)],["one fence","```js\n"+"const a = 1; // x\n".repeat(660)]] as const){
 for(let i=0;i<20;i++)renderMarkdown(s);
 console.log(n,"full",med(()=>renderMarkdown(s),25),"split",med(()=>splitRendered(renderMarkdown(s)),10));
 const run=()=>{const r=createStreamRenderer();let worst=0;for(let e=20;e<=s.length;e+=20){const a=performance.now();r.render(s.slice(0,e));worst=Math.max(worst,performance.now()-a)}return worst};
 run();const a=performance.now();const w=run();console.log("   stream 600 steps",(performance.now()-a).toFixed(0),"ms total, worst call",w.toFixed(1));
}
