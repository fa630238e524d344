import fc from "fast-check";
import { markdownDocument, markdownRubble } from "./test/markdown-arbitrary.ts";
import { createStreamRenderer, renderMarkdown, settleMarkdown } from "./src/reply/markdown.ts";
import { judgeText } from "./test/telegram-rules.ts";
const letters=(s:string)=>s.replace(/[^\p{L}\p{N}]/gu,"");
const seed=Number(process.argv[2]??1), N=Number(process.argv[3]??60);
const docs=fc.sample(markdownDocument,{numRuns:N,seed});
let fails=0,total=0,eq=0,strict=0;const shown:string[]=[];
for(const d of docs){const fin=renderMarkdown(d);const f=letters(fin.text), fw=fin.text.replace(/\s/g,"");const r=createStreamRenderer();
 const j=judgeText(fin.text,fin.entities).filter(x=>!/entities$|units|is empty$/.test(x));if(j.length&&shown.length<8)shown.push("JUDGE "+j.slice(0,3)+"\n"+JSON.stringify(d).slice(0,400));
 let docFailed=false;
 for(let i=1;i<=d.length;i++){const p=d.slice(0,i);const v=r.render(p);total++;
  const g=letters(v.text);if(!f.startsWith(g)){fails++;if(!docFailed&&shown.length<12){docFailed=true;let k=0;while(g[k]===f[k])k++;shown.push(`FAIL prefix …${JSON.stringify(p.slice(-70))} next ${JSON.stringify(d.slice(i,i+30))}\n  view …${JSON.stringify(g.slice(Math.max(0,k-10),k+30))}\n  final …${JSON.stringify(f.slice(Math.max(0,k-10),k+30))}`)}}
  if(!fw.startsWith(v.text.replace(/\s/g,""))){strict++;if(process.argv[4]&&shown.length<15&&!docFailed){docFailed=true;const g=v.text.replace(/\s/g,'');let k=0;while(g[k]===fw[k])k++;shown.push(`STRICT prefix …${JSON.stringify(p.slice(-70))} next ${JSON.stringify(d.slice(i,i+30))}\n  view …${JSON.stringify(g.slice(Math.max(0,k-10),k+30))}\n  final …${JSON.stringify(fw.slice(Math.max(0,k-10),k+30))}`)}}
  if(i%7===0){const w=renderMarkdown(settleMarkdown(p));if(w.text!==v.text||JSON.stringify(w.entities)!==JSON.stringify(v.entities)){eq++;if(eq<4)shown.push("EQ "+JSON.stringify(p.slice(-300))+"\n"+JSON.stringify(v)+"\n"+JSON.stringify(w))}}
 }
}
console.log(shown.join("\n\n"));console.log({docs:docs.length,total,fails,strict,eq});
