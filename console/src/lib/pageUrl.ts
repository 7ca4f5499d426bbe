/** The host that all of the addresses share, or null when they differ or have none. */
export function sharedHost(urls: string[]): string | null {
  const hosts = new Set(urls.map((url) => splitUrl(url).host));
  const [host] = hosts;
  return hosts.size === 1 && host ? host : null;
}

/** An address as its host and the rest; what is no http(s) address is all "rest". */
export function splitUrl(url: string): { host: string; rest: string } {
  const match = /^https?:\/\/([^/?#]+)(.*)$/i.exec(url);
  if (!match) return { host: "", rest: url };
  return { host: match[1] ?? "", rest: match[2] || "/" };
}
