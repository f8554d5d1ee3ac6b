/** What every dialect needs to know of a refusal. `code` is the HTTP status, as vLLM sends it. */
export interface WireFields {
  readonly message: string;
  readonly type: string;
  readonly param: string | null;
  readonly code: number;
}

/** A request that the wire format itself refuses. Not a fault of InferLab's: the answer is the fields, in a dialect. */
export class WireError extends Error {
  override readonly name = 'WireError';
  readonly status: number;
  readonly fields: WireFields;
  constructor(fields: WireFields) {
    super(fields.message);
    this.status = fields.code;
    this.fields = fields;
  }
}

/**
 * A value that has the right type and breaks a rule: vLLM's `VLLMValidationError`, whose text ends with the parameter
 * and, where it is given, the value.
 */
export function badValue(message: string, param: string, value?: string | number): WireError {
  const about = value === undefined ? `parameter=${param}` : `parameter=${param}, value=${value}`;
  return new WireError({ message: `${message} (${about})`, type: 'BadRequestError', param, code: 400 });
}

/** A rule that vLLM words without naming the parameter's value: the message stands as it is. */
export function badRequest(message: string, param: string | null = null): WireError {
  return new WireError({ message, type: 'BadRequestError', param, code: 400 });
}

/**
 * vLLM's refusal of a body that does not say that it is JSON; undefined when it does. As there, the media type is all that
 * counts, in any case, and what follows it does not. A body without the header is refused as well.
 */
export function unsupportedMediaType(contentType = ''): WireError | undefined {
  if (contentType === 'application/json' || contentType.toLowerCase().split(';', 1)[0] === 'application/json') {
    return undefined;
  }
  const message = "Unsupported Media Type: Only 'application/json' is allowed";
  return new WireError({ message, type: 'Bad Request', param: null, code: 400 });
}

/** A server's refusal of a body that it does not read to its end; the type is the status's name, as of any such in vLLM. */
export function bodyTooLarge(detail: string): WireError {
  const type = 'Request Entity Too Large';
  return new WireError({ message: `${type}: ${detail}`, type, param: null, code: 413 });
}

/** vLLM's refusal of a model name that the endpoint does not serve. */
export function modelNotFound(model: string): WireError {
  return new WireError({
    message: `The model \`${model}\` does not exist.`,
    type: 'NotFoundError',
    param: 'model',
    code: 404,
  });
}

/** vLLM's refusal of a prompt that leaves no room in the context. Both figures in tokens. */
export function inputTooLong(promptTokens: number, maxModelLen: number): WireError {
  const message = `Input length (${promptTokens}) exceeds model's maximum context length (${maxModelLen}).`;
  return badValue(message, 'input_tokens', promptTokens);
}

/** The error body of OpenAI and vLLM, also sent as the `data:` of a stream that fails midway. */
export function openaiError({ message, type, param, code }: WireFields) {
  return { error: { message, type, param, code } };
}

/** The error body of the platform's API gateway. */
export function apigError(code: string, message: string, requestId: string) {
  return { error_code: code, error_msg: message, request_id: requestId };
}

export interface GatewayError {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  /** Where code, status and message come from, and what in them is ours. */
  readonly source: string;
}

const PUBLISHED = 'APIG, published_api_calling/error_codes';

/** The gateway's own refusals. Codes are stable by the vendor's word; messages may be corrected here freely. */
export const GATEWAY_ERRORS = {
  tokenRefused: {
    status: 401,
    code: 'APIG.0301',
    message: 'Incorrect IAM authentication information.',
    source: PUBLISHED,
  },
  unauthorized: {
    status: 401,
    code: 'APIG.0305',
    message: 'Incorrect authentication information.',
    source: `${PUBLISHED}; that a refused API key gets this code is ours, the vendor publishes none`,
  },
  apiNotFound: {
    status: 404,
    code: 'APIG.0101',
    message: 'The API does not exist or has not been published in the environment.',
    source: PUBLISHED,
  },
  addressRefused: {
    status: 403,
    code: 'APIG.0402',
    message: 'The IP address is not authorized to access the API.',
    source: `${PUBLISHED}; that a service without public access answers so is ours`,
  },
  bodyTooLarge: { status: 413, code: 'APIG.0201', message: 'Request entity too large.', source: PUBLISHED },
  throttled: {
    status: 429,
    code: 'APIG.0308',
    message: 'The throttling threshold has been reached.',
    source: PUBLISHED,
  },
  noBackend: {
    status: 503,
    code: 'APIG.0610',
    message: 'No backend available.',
    source: `${PUBLISHED}; published with status 502: the 503 is ours, for a service without a ready instance`,
  },
  backendUnavailable: { status: 502, code: 'APIG.0202', message: 'Backend unavailable', source: PUBLISHED },
  backendTimeout: { status: 504, code: 'APIG.0203', message: 'Backend timeout', source: PUBLISHED },
} as const satisfies Record<string, GatewayError>;

export type GatewayErrorKey = keyof typeof GATEWAY_ERRORS;

/** One of the gateway's refusals, ready to send. A detail follows the message after a colon, as the gateway has it. */
export function gatewayError(key: GatewayErrorKey, requestId: string, detail?: string) {
  const { status, code, message } = GATEWAY_ERRORS[key];
  const text = detail === undefined ? message : `${message.replace(/\.$/, '')}: ${detail}`;
  return { status, body: apigError(code, text, requestId) };
}
