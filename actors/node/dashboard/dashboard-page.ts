/** The dashboard: one page that needs nothing but the node. */

export async function dashboardPage(): Promise<string> {
  return '<!doctype html><title>Anteroom</title>';
}
