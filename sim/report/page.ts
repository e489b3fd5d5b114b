/** The HTML report of a replay: one self-contained page. */

import type { Report } from '../replay/result.ts';

export async function reportPage(report: Report): Promise<string> {
  return `<!doctype html><title>Anteroom replay</title><pre>${JSON.stringify(report.result, null, 2)}</pre>`;
}
