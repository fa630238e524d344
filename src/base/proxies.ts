/** The proxies that calls to Telegram and the models go through. Named so that Node's own agents take them as `proxyEnv`. */
export interface Proxies {
  /** With its scheme; may hold credentials. */
  readonly HTTPS_PROXY?: string;
  readonly HTTP_PROXY?: string;
  /** Hosts that are called directly, separated by commas. */
  readonly NO_PROXY?: string;
}
