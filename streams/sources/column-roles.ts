/** Which column of a log holds which field, by the names that logs give them. */

import type { ColumnRole } from '../format.ts';
import { splitTimeUnit, type TimeUnit } from './time-scale.ts';

/** Known names of each role, the surest first: where a log has several, the earliest in this list is taken. */
export const roleAliases: Readonly<Record<ColumnRole, readonly string[]>> = {
  time: words(`time timestamp t ts datetime date_time event_time eventtime op_time access_time accessed_at time_local
    time_iso8601 start_time starttime start_utc arrival_time created_at created edge_start_timestamp when at epoch unix_time date`),
  segment:
    words(`segment segment_id object object_id objectid obj obj_id key cache_key item item_id itemid block block_id
    blockid lbn lba page page_id url uri request_uri cs_uri_stem path request_path file filename file_name file_path
    resource resource_id document document_id doc_id asset asset_id content_id video_id product_id article article_id
    url_original url_full url_path http_request_path http_request_request_url client_request_uri id request`),
  consumer:
    words(`consumer consumer_id client client_id clientid user user_id userid user_name username session session_id
    sessionid remote_addr client_ip clientip c_ip remote_ip ip ip_address
    source_ip client_host client_addr user_ip request_client_ip request_remote_ip http_request_remote_ip host hostname host_name customer customer_id
    account account_id device device_id visitor visitor_id requester`),
  site: words(`site site_id region location country pop edge edge_location x_edge_location edge_colo_code datacenter data_center dc zone
    continent`),
  op: words(
    'op operation op_name method verb http_method request_method cs_method http_request_method http_request_request_method client_request_method action rw command cmd access_type',
  ),
  size: words(`size size_bytes bytes object_size obj_size length len content_length bytes_sent body_bytes_sent
    response_size response_body_size edge_response_bytes sc_bytes io_size http_response_body_bytes http_request_response_size downstream_content_size`),
  weight: words('weight count op_count invocations'),
};

export const columnRoles: readonly ColumnRole[] = ['time', 'segment', 'consumer', 'site', 'op', 'size', 'weight'];

/** What a column's name says of it. */
export interface NamedRole {
  readonly role: ColumnRole;
  /** Place in the list of names: lower is surer. */
  readonly rank: number;
  readonly unit: TimeUnit | null;
}

const rolesByName = new Map<string, NamedRole>();
for (const role of columnRoles)
  roleAliases[role].forEach((name, rank) => {
    rolesByName.set(name, { role, rank, unit: null });
  });

/** The role that `name` is known for, or null. Case, what stands in brackets at the end unless it is a unit of time, spaces, `-`, `_`, dots and a leading `@` make no difference, so a path to a nested member is known by its words. */
export function roleOfName(name: string): NamedRole | null {
  const normalised = normalisedName(name);
  const direct = rolesByName.get(normalised);
  if (direct !== undefined) return direct;
  const { base, unit } = splitTimeUnit(normalised);
  const timed = unit === null ? undefined : rolesByName.get(base);
  return timed?.role === 'time' ? { ...timed, unit } : null;
}

/** The unit that a time column's name tells, known name or not. */
export function timeUnitOfName(name: string): TimeUnit | null {
  return splitTimeUnit(normalisedName(name)).unit;
}

/** Which column (0-based) holds each role, for a header. A column has one role; roles without a column are left out. */
export function rolesOfHeader(names: readonly string[]): Map<ColumnRole, number> {
  const columns = new Map<ColumnRole, number>();
  const ranks = new Map<ColumnRole, number>();
  names.forEach((name, column) => {
    const named = roleOfName(name);
    if (named === null || named.rank >= (ranks.get(named.role) ?? Number.POSITIVE_INFINITY)) return;
    columns.set(named.role, column);
    ranks.set(named.role, named.rank);
  });
  return columns;
}

function normalisedName(name: string): string {
  return name
    .trim()
    .replace(/[\s_]*[([]([^()[\]]*)[)\]]$/, (_, inner: string) =>
      splitTimeUnit(`t_${inner}`).unit === null ? '' : `_${inner}`,
    )
    .replace(/^[@#]\s*/, '')
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[\s.-]+/g, '_');
}

function words(text: string): readonly string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}
