// Unpacks the Chromium of a package beside it, with its libraries, and tells where it is. The
// package looks at this variable to know that it must bring its libraries too.
process.env.AWS_LAMBDA_JS_RUNTIME = "nodejs22.x";
const { default: chromium } = await import(process.argv[2]);
console.log(JSON.stringify({ path: await chromium.executablePath(), libraries: process.env.LD_LIBRARY_PATH }));
