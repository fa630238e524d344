/** How much a file may cost, and how much of it is read. */

/** Characters of a file's text. */
export const maxCharacters = 400_000;
export const maxPages = 200;
/** Pages of a scan that are shown as pictures. */
export const maxScannedPages = 5;
/** Pixels of a picture, all in all. */
export const maxPixels = 50_000_000;
/** The longest side of a picture that is handed on. */
export const maxSide = 1_280;
/** The longest side of a page that is handed on as a picture: letters are small. */
export const maxPageSide = 1_568;
/** Characters of XML or HTML in which no element begins or ends. */
export const maxRunCharacters = 4 * 1024 * 1024;
/** Rows of a sheet. */
export const maxRows = 2_000;
/** Cells of a row. */
export const maxColumns = 256;
/** Files in an archive. */
export const maxEntries = 5_000;
/** Bytes that an archive may become, all files of it together. */
export const maxInflatedBytes = 256 * 1024 * 1024;
/** Elements of XML inside each other. */
export const maxDepth = 500;
/** Elements of a page inside each other: some are never closed, and its parser looks at all that are open again and again. */
export const maxPageDepth = 1_000;
/** Time for a page, or a chapter. Milliseconds. */
export const maxPageMs = 5_000;
/** Characters of a sheet's name. */
export const maxNameCharacters = 300;
/** Sheets and slides. */
export const maxParts = 1_000;
/** Of a book. */
export const maxChapters = 2_000;
/** What a file has most of. */
export const maxReadParts = Math.max(maxPages, maxParts, maxChapters);
/** Time for an archive: much less than after which the child is killed. Milliseconds. */
export const maxArchiveMs = 10_000;
/** Characters of a page of the web that are looked at. */
export const maxWebCharacters = 512_000;
/** What may stand in a page of which the article is looked for: below it, that takes no more than seconds. */
export const maxArticleElements = 20_000;
export const maxArticleDepth = 200;
/** The depths of all elements together: what is looked for in each of them is looked for in all that it stands in. */
export const maxArticleWeight = 600_000;
/** Elements, comments, attributes and pieces of text, all in all. */
export const maxArticleNodes = 100_000;
/** Of one element. */
export const maxArticleAttributes = 200;
/** Of a page that are handed on. */
export const maxLinks = 60;
