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
  exchange.status = response.status;
  exchange.answer = response.headers;
  return response;
};

/** Runs `work` and returns its result and the exchanges with `origin` that began meanwhile. */
export async function observed(origin, work) {
  const from = exchanges.length;
  const result = await work();
  return { result, exchanges: exchanges.slice(from).filter((exchange) => exchange.url.origin === origin) };
}

/** Those exchanges whose method and path (below /api/v1) are the given ones. */
export function calls(list, method, path) {
  return list.filter((exchange) => exchange.method === method && exchange.url.pathname === `/api/v1${path}`);
}
