// Unpacks the Chromium of a package and tells where it is, and what must be set so that it finds
// its libraries and fonts. The package looks at this variable to know that it must bring them.
import { writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

process.env.AWS_LAMBDA_JS_RUNTIME = "nodejs22.x";
const { default: chromium } = await import(process.argv[2]);
const path = await chromium.executablePath();
// The package's own list of font folders names those of another place.
const fonts = join(dirname(path), "fonts");
const list = `<fontconfig><dir>${fonts}</dir><cachedir>${join(fonts, "cache")}</cachedir></fontconfig>\n`;
writeFileSync(join(fonts, "fonts.conf"), list);
const environment = { LD_LIBRARY_PATH: process.env.LD_LIBRARY_PATH, FONTCONFIG_PATH: fonts };
console.log(JSON.stringify({ path, environment }));
