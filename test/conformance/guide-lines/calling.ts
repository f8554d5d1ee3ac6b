import type { GuideRule } from './rule.ts';

/** How a service is called, by whom and with what. */
export const CALLING: readonly GuideRule[] = [
  { line: 988, aliases: [243], rule: 'a service is called at /v2/infer/ and its id' },
  { line: 996, rule: 'a body is text: JSON, XML or whatever the model takes' },
  { line: 997, rule: 'a body is bytes: images, sound, video, files of models' },
  { line: 998, rule: 'a body may be sent in blocks' },
  {
    line: 999,
    aliases: [1182, 1236, 1279, 1408, 1527, 1583, 1640, 1770, 1977, 2067, 2195, 2306, 2418, 2548, 2961],
    rule: 'a body is a form, with files and other fields',
  },
  { line: 1089, aliases: [1100], rule: 'live comparison takes real-time text generation services only' },
  { line: 1089, rule: 'a service takes part in a live comparison while it is Running, Alarm or Upgrading' },
  {
    line: 1106,
    aliases: [1087, 1091, 1108],
    rule: 'one prompt is put to several services, and their answers stand side by side',
  },
];

export const AUTHENTICATION: readonly GuideRule[] = [
  {
    line: 1114,
    aliases: [180, 1116, 1127, 2787, 2808, 2894, 2986],
    rule: 'a service without authentication answers whoever calls',
  },
  {
    line: 1156,
    aliases: [1013, 1505, 1953, 2282, 2799, 2826, 2902, 2998],
    rule: 'what follows the URL of a service, path and query, reaches the model',
  },
  { line: 1191, aliases: [1536, 1986, 2315, 2924], rule: 'the platform does not touch a body' },
  { line: 1462, aliases: [181], rule: 'a token is good for 24 hours' },
  {
    line: 1474,
    aliases: [1460, 2785, 2807, 2892, 2984],
    rule: 'a service with token authentication refuses calls without a good token',
  },
  { line: 1499, aliases: [2896, 2988], rule: 'a token that is scoped to a domain opens no service' },
  {
    line: 1519,
    aliases: [1591, 1628, 1663, 1747, 1802, 2910, 3008],
    rule: 'a token comes in the header X-Auth-Token',
  },
  { line: 1597, aliases: [1603, 2024, 2030, 2373, 2379], rule: 'a service is reached at /v2/infers/ too' },
  {
    line: 1834,
    aliases: [183, 1832, 1859, 2786, 2809, 2893, 2985],
    rule: 'a service with API keys refuses calls without one that opens it',
  },
  {
    line: 1890,
    aliases: [1944, 1949, 2278],
    rule: 'the text of an API key is told when it is made, and nowhere after',
  },
  { line: 1895, rule: 'the name of an API key is unique' },
  { line: 1896, rule: 'an API key may have a description' },
  { line: 1897, rule: 'a key of all services opens every service that asks for keys' },
  {
    line: 1897,
    aliases: [245, 1882, 1914, 2275, 2789],
    rule: 'a key of specified services opens those that it is bound to',
  },
  { line: 1906, rule: 'a key is bound to a service that is Running, Alarm, Stopping, Stopped or Abnormal' },
  { line: 1906, rule: 'a key is bound only to a service that asks for API keys' },
  { line: 1923, rule: 'a key that is unbound from a service does not open it any more' },
  { line: 1936, rule: 'a key that is bound to a service cannot be deleted' },
  { line: 1936, rule: 'a deleted key opens nothing' },
  {
    line: 1967,
    aliases: [1001, 2018, 2055, 2093, 2173, 2226, 2295, 2367, 2406, 2441, 2525, 2580, 2828],
    rule: 'an API key comes as a bearer token in the header Authorization',
  },
];
