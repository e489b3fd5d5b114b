/** The traces, by file name. */
export const realTraces = [
  'kv_web12',
  'block_cp_vm',
  'web_nasa_day',
  'serverless_nasa_ipsc',
  'file_git_git',
  'session_wikispeedia',
  'region_cran_logs',
  'session_bikeshare',
  'file_swim_fb2010',
  'kv_orm_busy',
] as const;
