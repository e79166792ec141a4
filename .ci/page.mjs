// Walks the laptop's page in Chromium, as people use it: with the script and without, in a wide window and a narrow
// one, light and dark, by pointer and by keyboard. It starts the service itself, on a free port with a folder of its
// own, and keeps a picture of every view in CI_ARTIFACTS.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { get } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";

const { CHROMIUM, CI_ARTIFACTS, PAGE_TOOLS } = process.env;
const tools = createRequire(PAGE_TOOLS);
const { chromium } = tools("playwright-core");
const axe = readFileSync(tools.resolve("axe-core/axe.min.js"), "utf8");
const pictures = join(CI_ARTIFACTS, "page");
mkdirSync(pictures, { recursive: true });

const data = mkdtempSync(join(tmpdir(), "charter-page-"));
const service = spawn("make", ["--silent", "run"], { env: { ...process.env, PORT: "0", DATA: data }, detached: true });
let log = "";
service.stderr.on("data", (text) => { log += text; });
const stopped = new Promise((resolve) => service.on("close", resolve));

/** The address at which the service says that it listens. */
function listening() {
  return new Promise((resolve, reject) => {
    let said = "";
    service.stdout.on("data", (text) => {
      said += text;
      const address = said.match(/listening on (http:\S+)/);
      if (address) resolve(address[1]);
    });
    service.on("close", () => reject(new Error(`The service did not start:\n${said}${log}`)));
  });
}

let origin;

async function call(method, path, body, token, header = {}) {
  const answer = await fetch(origin + path, {
    method, body: body && JSON.stringify(body),
    headers: { ...(body && { "Content-Type": "application/json" }), ...(token && { Authorization: `Bearer ${token}` }), ...header },
  });
  const text = await answer.text();
  return { status: answer.status, text, ...(text.startsWith("{") && JSON.parse(text)) };
}

const password = "Password1234!";
const hostile = `<img src=x onerror=alert(1)> & "Sons"`;

/** Makes two organizations, with customers enough for several pages, and a few calls that are refused. */
async function populate() {
  const people = [["Acme Corp", "john.doe@acmecorp.com"], [hostile, "jane@sons.example"]];
  for (const [name, email] of people) {
    const made = await call("POST", "/api/organizations", {
      Organization: { Name: name, BillingCity: "Miami", BillingCountry: "US", Website: "https://www.acmecorp.com" },
      User: { FirstName: "John", LastName: "Doe", Email: email, Password: password },
    });
    assert.equal(made.status, 201, made.text);
  }
  const { AccessToken: token } = await call("POST", "/api/auth/login", { Email: people[0][1], Password: password });
  for (const [name, currency] of [["Wholesale", "USD"], ["Reseller", "EUR"]]) {
    await call("POST", "/api/organizations/price-tiers", { Name: name, CurrencyCode: currency }, token);
  }
  for (let n = 1001; n < 1041; n++) {
    const entered = await call("PUT", "/api/customers", { customerNumber: `C-${n}`, companyName: `Globex ${n}`, pricing: "Wholesale" }, token);
    assert.equal(entered.status, 200, entered.text);
  }
  await call("POST", "/api/auth/login", { Email: people[0][1], Password: "not the password" });
  await call("POST", "/api/organizations/price-tiers", { Name: "Wholesale", CurrencyCode: "USD" }, token);
  await call("GET", "/api/organization", undefined, "not.a.token");
  await call("GET", "/api/nowhere");
  const begun = Date.now();
  for (let letters = []; letters.length < people.length;) { // they are sent from the table's stream
    assert.ok(Date.now() - begun < 60_000, "the letters are not sent");
    letters = await (await fetch(`${origin}/_local/mail`)).json();
  }
  return token;
}

/** What a page must never do: its faults, as they come. */
function watch(page, faults) {
  page.on("console", (message) => { if (["error", "warning"].includes(message.type())) faults.push(`console: ${message.text()}`); });
  page.on("pageerror", (error) => faults.push(`script: ${error}`));
  page.on("dialog", (dialog) => { faults.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  page.on("request", (request) => { if (!request.url().startsWith(origin)) faults.push(`it asked for ${request.url()}`); });
  page.on("requestfailed", (request) => { // but for what a next page has made needless
    if (request.failure().errorText !== "net::ERR_ABORTED") faults.push(`${request.url()}: ${request.failure().errorText}`);
  });
}

async function check(page, name, faults) {
  const wide = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  if (wide[0] > wide[1]) faults.push(`${name} is ${wide[0]} wide in a window of ${wide[1]}`);
  await page.evaluate(axe);
  const found = await page.evaluate(() => globalThis.axe.run(document, { iframes: false }));
  for (const v of found.violations) faults.push(`${name}: ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html).join(" | ")}`);
}

/** Walks all views, as one follows links, and returns what was seen of the answer to a try. */
async function walk(browser, { width, scheme, script }) {
  const faults = [], label = `${width}-${scheme}${script ? "" : "-no-script"}`;
  const context = await browser.newContext({
    viewport: { width, height: width < 600 ? 844 : 800 }, colorScheme: scheme, javaScriptEnabled: script, reducedMotion: "reduce",
  });
  const page = await context.newPage();
  watch(page, faults);
  const see = async (name) => {
    await page.waitForLoadState(); // a part of a page can be seen before the rest of it has come
    if (script) {
      const height = Math.min(2000, await page.evaluate(() => { scrollTo(0, 0); return document.documentElement.scrollHeight; }));
      await page.screenshot({ path: join(pictures, `${name}-${label}.png`), fullPage: true, clip: { x: 0, y: 0, width, height } });
      await check(page, `${name}-${label}`, faults);
    } else assert.equal(await page.locator("h1").first().isVisible() || await page.locator("h2").first().isVisible(), true, name);
  };
  const open = async (path) => assert.equal((await page.goto(origin + path)).status(), 200, path);

  await open("/_local/");
  await see("api");
  await open("/_local/api/getOrganization");
  await see("operation");
  await page.getByLabel("As", { exact: true }).selectOption({ label: await chosen(page, "john.doe@acmecorp.com") });
  await page.getByRole("button", { name: "Send" }).click();
  await page.locator("#answer h3").waitFor();
  assert.match(await page.locator("#answer").innerText(), /200 OK[\s\S]*"Name": "Acme Corp"[\s\S]*\d round trips? to the table/);
  await see("answer");
  await open("/_local/api/createOrganization");
  await see("body");
  await open("/_local/api/listAssociations");
  await see("parameters");

  await open("/_local/mail");
  await see("mail");
  await page.getByRole("navigation", { name: "Letters" }).getByRole("link").last().click();
  await page.locator("article.letter").waitFor();
  const letter = page.frameLocator("iframe");
  await letter.getByText("Acme Corp").first().waitFor();
  await see("letter");
  await open("/_local/dead-letters");
  await see("dead-letters");

  await open("/_local/table");
  assert.equal(await page.getByText(hostile).count(), 1);
  await see("table");
  await page.getByRole("link", { name: "customer", exact: true }).click();
  await page.locator("article.item").first().waitFor();
  assert.equal(await page.locator("article.item").count(), 25);
  await see("items");
  await page.getByRole("link", { name: "Next page" }).click();
  await page.getByRole("link", { name: "First page" }).waitFor();
  assert.equal(await page.locator("article.item").count(), 15);
  await open("/_local/table");
  await page.getByRole("link", { name: /Acme Corp/ }).click();
  await page.locator("article.item").first().waitFor();
  await see("partition");

  await open("/_local/requests");
  await see("requests");
  await page.getByRole("link", { name: "POST /api/organizations", exact: true }).last().click();
  await page.getByRole("heading", { name: /round trips to the table/ }).waitFor();
  await page.waitForLoadState();
  assert.match(await page.locator("main").innerText(), /BatchGetItem[\s\S]*TransactWriteItems[\s\S]*INFO/);
  await see("request");
  await open("/_local/requests?only=failed");
  await page.getByRole("link", { name: "POST /api/organizations/price-tiers", exact: true }).first().click();
  await page.getByText("TransactionCanceledException").waitFor();
  await see("refused");
  assert.equal((await page.goto(`${origin}/_local/nowhere`)).status(), 404);
  await context.close();
  return faults.filter((fault) => !fault.includes("status of 404")); // which is what Chromium says of the last one
}

/** The option of the menu that begins so. */
async function chosen(page, name) {
  return (await page.locator("#as option").allInnerTexts()).find((text) => text.startsWith(name));
}

/** Uses the page by keyboard alone. */
async function keyboard(browser) {
  const faults = [];
  const page = await (await browser.newContext({ viewport: { width: 1280, height: 800 }, reducedMotion: "reduce" })).newPage();
  watch(page, faults);
  await page.goto(`${origin}/_local/`);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to content");
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  assert.ok(await page.evaluate(() => document.activeElement.closest("main")), "the first stop after the skip link is in the content");
  await page.getByLabel("Find an endpoint").focus();
  await page.keyboard.type("jwks");
  assert.equal(await page.locator(".operations a:visible").count(), 1);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Try it" }).waitFor();

  await page.goto(`${origin}/_local/api/login`);
  await page.locator("#body").focus();
  await page.keyboard.press("ControlOrMeta+A");
  await page.keyboard.type(JSON.stringify({ Email: "jane@sons.example", Password: password }));
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator("#answer h3").waitFor();
  await page.waitForFunction(() => document.activeElement.id === "answer"); // it tells where one is
  assert.ok(await chosen(page, "jane@sons.example"), "who signed in stands in the menu");

  // Every stop of Tab can be seen, and shows that it is one.
  for (const path of ["/_local/", "/_local/api/putCustomer", "/_local/mail", "/_local/table", "/_local/requests"]) {
    await page.goto(origin + path);
    for (let n = 0; n < 400; n++) {
      await page.keyboard.press("Tab");
      const stop = await page.evaluate(() => {
        const at = document.activeElement;
        if (at === document.body || at === document.documentElement) return null;
        const box = at.getBoundingClientRect(), style = getComputedStyle(at);
        return { what: at.outerHTML.slice(0, 90), seen: box.width > 0 && box.bottom > 0 && box.top < innerHeight && (style.outlineStyle !== "none" || at.tagName === "IFRAME") };
      });
      if (!stop) break;
      if (!stop.seen) faults.push(`${path}: no focus is seen on ${stop.what}`);
      assert.ok(n < 399, `${path}: Tab does not end`);
    }
  }

  // New requests come while Follow is on.
  await page.goto(`${origin}/_local/requests`);
  await page.getByRole("button", { name: "Follow" }).press("Enter");
  await call("GET", "/.well-known/followed");
  await page.getByText("/.well-known/followed").waitFor();
  return faults;
}

/** What others may not, and what no page may hold. */
async function guarded(token) {
  const rebound = await new Promise((resolve) => get(`${origin}/_local/mail`, { headers: { Host: "evil.example" } }, (answer) => {
    answer.resume();
    resolve(answer.statusCode);
  }));
  assert.equal(rebound, 421, "a name that was led to 127.0.0.1");
  const forged = await call("POST", "/_local/api/getOrganization", undefined, undefined, { Origin: "http://evil.example" });
  assert.equal(forged.status, 403, "a form of another site");
  const list = await (await fetch(`${origin}/_local/requests`)).text();
  const pages = ["/_local/", "/_local/api/getOrganization", ...new Set(list.match(/\/_local\/requests\/[\w-]+/g))];
  for (const path of pages) {
    const text = await (await fetch(origin + path)).text();
    for (const secret of [token, token.slice(-20), password, "not the password", "not.a.token"]) {
      assert.ok(!text.includes(secret), `${path} holds ${secret}`);
    }
  }
  assert.ok(!log.includes(password) && !log.includes(token), "the log holds a secret");
}

let browser;
const faults = [];
try {
  origin = await listening();
  const token = await populate();
  browser = await chromium.launch({
    executablePath: CHROMIUM,
    args: ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
      "--disable-component-update", "--disable-sync"],
  });
  for (const width of [1280, 390]) {
    for (const scheme of ["light", "dark"]) {
      for (const script of [true, false]) {
        if (!script && scheme === "dark") continue; // colours need no script
        faults.push(...await walk(browser, { width, scheme, script }));
      }
    }
  }
  faults.push(...await keyboard(browser));
  await guarded(token);
} catch (error) {
  faults.push(error.stack);
} finally {
  await browser?.close();
  if (service.exitCode === null) process.kill(-service.pid, "SIGTERM");
  await stopped;
  rmSync(data, { recursive: true, force: true });
}
for (const fault of new Set(faults)) console.log(fault);
console.log(faults.length ? `${faults.length} faults.` : `The page is well. Its pictures are in ${pictures}.`);
process.exitCode = faults.length ? 1 : 0;
