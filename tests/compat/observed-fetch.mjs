// Writes down what goes over the wire while a scenario runs; changes nothing of it.

const realFetch = globalThis.fetch;
const exchanges = [];

globalThis.fetch = async (input, init) => {
  const request = input instanceof Request ? input : { url: String(input), method: "GET", headers: {} };
  const exchange = {
    method: init?.method ?? request.method,
    url: new URL(request.url),
    headers: new Headers(init?.headers ?? request.headers),
    status: null,
    answer: null,
  };
  exchanges.push(exchange);
  const response = await realFetch(input, init);
  exchange.answer = response.headers;
  // The SDK asks for 200 instead of 4xx, with the real status in a header.
  exchange.status = Number(response.headers.get("x-stack-actual-status") ?? response.status);
  return response;
};

/** Runs `work` and returns its result and the exchanges with `origin` that began meanwhile; for scenarios that run alone. */
export async function observed(origin, work) {
  const from = exchanges.length;
  const result = await work();
  return { result, exchanges: exchanges.slice(from).filter((exchange) => exchange.url.origin === origin) };
}

/** Those exchanges whose method and path (below /api/v1) are the given ones. */
export function calls(list, method, path) {
  return list.filter((exchange) => exchange.method === method && exchange.url.pathname === `/api/v1${path}`);
}

/** Answers of 5xx so far, which no scenario asks for, as text. */
export const serverErrors = () =>
  exchanges.filter((exchange) => exchange.status >= 500).map((exchange) => `${exchange.status} for ${exchange.method} ${exchange.url}`);
