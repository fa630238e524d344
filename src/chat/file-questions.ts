/** What a question wants of a file that stands before it, as far as its words tell. By their beginnings, as `file-pieces` cuts them. */

/** Words about a file as a whole, or about what only files have. */
const aboutFiles: ReadonlySet<string> = new Set(
  [
    "summar overvi tldr outlin recap docume file files pdf page pages chapte text book paper articl report slide slides sheet",
    "zusamm fasse fass überbl übersi datei dateie seite seiten kapite buch artike berich folie folien tabell anhang",
    "résume résumé resume résuma fichie chapit livre rappor tablea",
    "resumi resuma resumo archiv arquiv página capítu libro livro inform",
    "riassu sintes pagina capito samenv bestan hoofds boek podsum streść plik pliku strona özetle dosya belge sayfa",
    "кратко суммир обобщи резюме резюми переск докуме файл файла файле страни глава главе книга книге книгу текст тексте",
    "підсум сторін книзі 总结 總結 概括 摘要 文件 文档 文檔 全文 要約 文書 資料 ファ イル 요약 요약해 문서 파일",
  ].flatMap((line) => line.split(" ")),
);

/** Words of courtesy: they stand in many files, and ask nothing of them. */
const courtesies: ReadonlySet<string> = new Set(
  [
    "thank thanks thx ty ok okay great good nice perfec cool hello hi hey bye yes no please sorry well wow",
    "danke dank bitte super gut toll prima ja nein hallo tschüs genau alles klar merci bien oui non salut parfai",
    "gracia bueno vale sí hola perfec obriga certo sim não olá grazie bene ciao dank bedank dzięku tak teşekk tamam evet",
    "спасиб хорошо ладно да нет привет отличн понятн ок дякую добре так ні 谢谢 謝謝 好的 你好 あり りが がと とう はい 감사합 고마워 네",
  ].flatMap((line) => line.split(" ")),
);

/** Whether one of these terms says that a file is meant, whatever stands in it. */
export function asksAboutFile(terms: readonly string[]): boolean {
  return terms.some((term) => aboutFiles.has(term));
}

/** The terms that ask for something. */
export function withoutCourtesy(terms: readonly string[]): readonly string[] {
  return terms.filter((term) => !courtesies.has(term));
}
