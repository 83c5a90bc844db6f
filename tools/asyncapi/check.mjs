// node check.mjs FILE: exits 1 with one line per error or warning of the AsyncAPI reference parser.
import { Parser, fromFile } from "@asyncapi/parser";

const WARNING = 1; // the parser's severities: 0 error, 1 warning, 2 information, 3 hint

const file = process.argv[2];
const { document, diagnostics } = await fromFile(new Parser(), file).parse();
const serious = diagnostics.filter(({ severity }) => severity <= WARNING);
for (const { code, message, path } of serious) {
  console.error(`${file}: ${path.join(".")}: ${code}: ${message}`);
}
if (!document || serious.length > 0) process.exit(1);
console.log(`${file}: AsyncAPI ${document.version()}, ${document.channels().length} channels`);
