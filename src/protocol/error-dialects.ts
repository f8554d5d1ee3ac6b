import { anthropicError } from './anthropic-messages.ts';
import { apigError, GATEWAY_ERRORS, type GatewayError, openaiError, type WireFields } from './errors.ts';

/** Everyone on the way from a client to an engine who may answer an error, each in a form of its own. */
export type ErrorDialect = 'openai' | 'vllm-legacy' | 'anthropic' | 'apig' | 'maas' | 'nginx' | 'haproxy';

export interface ErrorAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
}

const JSON_TYPE = 'application/json';
const HTML_TYPE = 'text/html';

/** The flat error body of vLLM before 0.10, which MaaS passes on. */
export function legacyVllmError({ message, type, param, code }: WireFields) {
  return { object: 'error', message, type, param, code };
}

/** MaaS's own errors (Huawei Cloud, "MaaS API error codes", maas-modelarts-0080). Codes are the vendor's, words ours. */
export const MAAS_ERRORS = {
  invalidBody: { status: 400, code: 'ModelArts.81001', message: 'Invalid request body.' },
  noAuthorization: { status: 400, code: 'ModelArts.81002', message: 'The Authorization header is missing.' },
  invalidKey: { status: 401, code: 'ModelArts.81003', message: 'Invalid API key.' },
  notSubscribed: { status: 401, code: 'ModelArts.81004', message: 'The model service is not subscribed.' },
  quotaUsed: { status: 401, code: 'ModelArts.81005', message: 'The free quota has been used up.' },
  frozen: { status: 401, code: 'ModelArts.81006', message: 'The account is frozen.' },
  contentRisk: { status: 403, code: 'ModelArts.81011', message: 'The content may be sensitive.' },
  invalidModel: { status: 404, code: 'ModelArts.81009', message: 'Invalid model.' },
  requestRate: { status: 429, code: 'ModelArts.81101', message: 'The number of requests per minute is exceeded.' },
  tokenRate: { status: 429, code: 'ModelArts.81103', message: 'The number of tokens per minute is exceeded.' },
} as const satisfies Record<string, Omit<GatewayError, 'source'>>;

type CodeAndMessage = Pick<GatewayError, 'code' | 'message'>;

/** What a gateway says by status, where it makes the error itself. Codes as published; 504's is MaaS's for 5xx. */
const APIG_BY_STATUS = new Map<number, CodeAndMessage>([
  ...Object.values(GATEWAY_ERRORS).map((error) => [error.status, error] as const),
  [504, { code: 'APIG.0203', message: 'Backend timeout' }],
]);

const MAAS_BY_STATUS = new Map<number, CodeAndMessage>([
  [401, MAAS_ERRORS.invalidKey],
  [403, MAAS_ERRORS.contentRisk],
  [404, MAAS_ERRORS.invalidModel],
  [429, MAAS_ERRORS.requestRate],
]);

/** nginx's names of statuses (ngx_http_header_filter_module.c); some differ from RFC 9110's. */
const NGINX_REASONS: ReadonlyMap<number, string> = new Map([
  [400, 'Bad Request'],
  [401, 'Authorization Required'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [408, 'Request Time-out'],
  [413, 'Request Entity Too Large'],
  [429, 'Too Many Requests'],
  [500, 'Internal Server Error'],
  [502, 'Bad Gateway'],
  [503, 'Service Temporarily Unavailable'],
  [504, 'Gateway Time-out'],
]);

/** HAProxy's pages (src/http.c, http_err_msgs). */
const HAPROXY_PAGES: ReadonlyMap<number, readonly [string, string]> = new Map([
  [400, ['Bad request', 'Your browser sent an invalid request.']],
  [403, ['Forbidden', 'Request forbidden by administrative rules.']],
  [408, ['Request Time-out', "Your browser didn't send a complete request in time."]],
  [429, ['Too Many Requests', 'You have sent too many requests in a given amount of time.']],
  [500, ['Internal Server Error', 'An internal server error occurred.']],
  [502, ['Bad Gateway', 'The server returned an invalid or incomplete response.']],
  [503, ['Service Unavailable', 'No server is available to handle this request.']],
  [504, ['Gateway Time-out', "The server didn't respond in time."]],
]);

/** nginx's error page, for a server that does not tell its version unless one is given. */
export function nginxPage(status: number, version?: string): string {
  const title = `${status} ${NGINX_REASONS.get(status) ?? 'Error'}`;
  const server = version === undefined ? 'nginx' : `nginx/${version}`;
  return [
    '<html>',
    `<head><title>${title}</title></head>`,
    '<body>',
    `<center><h1>${title}</h1></center>`,
    `<hr><center>${server}</center>`,
    '</body>',
    '</html>',
    '',
  ].join('\r\n');
}

/** HAProxy's error page. */
export function haproxyPage(status: number): string {
  const [title, text] = HAPROXY_PAGES.get(status) ?? ['Error', ''];
  return `<html><body><h1>${status} ${title}</h1>\n${text}\n</body></html>\n`;
}

/** One error in any dialect. What a dialect has no words for it says with the fields' own message. */
export function errorAnswer(dialect: ErrorDialect, fields: WireFields, requestId: string): ErrorAnswer {
  const status = fields.code;
  const json = (body: object): ErrorAnswer => ({ status, contentType: JSON_TYPE, body: JSON.stringify(body) });
  const html = (body: string): ErrorAnswer => ({ status, contentType: HTML_TYPE, body });
  switch (dialect) {
    case 'openai':
      return json(openaiError(fields));
    case 'vllm-legacy':
      return json(legacyVllmError(fields));
    case 'anthropic':
      return json(anthropicError(fields));
    // What a gateway has no code for comes from behind it, and passes as it is.
    case 'apig': {
      const own = APIG_BY_STATUS.get(status);
      return json(own === undefined ? openaiError(fields) : apigError(own.code, own.message, requestId));
    }
    case 'maas': {
      const own = MAAS_BY_STATUS.get(status) ?? APIG_BY_STATUS.get(status);
      return json(own === undefined ? legacyVllmError(fields) : { error_code: own.code, error_msg: own.message });
    }
    case 'nginx':
      return html(nginxPage(status));
    case 'haproxy':
      return html(haproxyPage(status));
  }
}
