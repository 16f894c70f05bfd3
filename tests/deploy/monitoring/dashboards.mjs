// dashboards.mjs - are Grafana's dashboards what Grafana's own types say? Every file becomes a typed constant, and tsc judges it.
//
//   node dashboards.mjs FOLDER      exit code 1 and tsc's lines when one is not
import { readFileSync, readdirSync, mkdtempSync, writeFileSync, rmSync, symlinkSync } from 'node:fs';
import { join, dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tmpdir } from 'node:os';
import { execFileSync } from 'node:child_process';

const folder = process.argv[2];
const modules = join(dirname(fileURLToPath(import.meta.url)), '../node_modules');
const work = mkdtempSync(join(tmpdir(), 'dashboards-'));

// JSON writes an enum as its text or number; the first threshold has no number. What Grafana leaves open (options of a panel,
// the query) is closed here, so that an unknown field is an error.
const types = `
import type * as g from '@grafana/schema';
import type { Options as BarGauge } from '@grafana/schema/dist/esm/raw/composable/bargauge/panelcfg/x/BarGaugePanelCfg_types.gen';
import type { Options as Stat } from '@grafana/schema/dist/esm/raw/composable/stat/panelcfg/x/StatPanelCfg_types.gen';
import type { Options as Table } from '@grafana/schema/dist/esm/raw/composable/table/panelcfg/x/TablePanelCfg_types.gen';
import type { Options as Text } from '@grafana/schema/dist/esm/raw/composable/text/panelcfg/x/TextPanelCfg_types.gen';
import type { Options as TimeSeries } from '@grafana/schema/dist/esm/raw/composable/timeseries/panelcfg/x/TimeSeriesPanelCfg_types.gen';
type Plain<T> = T extends string ? \`\${T}\` : T extends object ? { [K in keyof T]: Plain<T[K]> } : T;
type Step = { value: number | null; color: string };
type Field = { unit: string; min?: number; max?: number; thresholds?: { mode: \`\${g.ThresholdsMode}\`; steps: Step[] } };
type Query = { refId: string; expr: string; legendFormat?: string; instant?: boolean; range?: boolean; format?: 'table' };
type Common = { id: number; title: string; description?: string; gridPos: g.GridPos };
type Asks = Common & { datasource: g.DataSourceRef; targets: Query[]; fieldConfig: { defaults: Field; overrides: [] } };
type Panel =
    | (Asks & { type: 'timeseries'; options: Partial<Plain<TimeSeries>> })
    | (Asks & { type: 'stat'; options: Partial<Plain<Stat>> })
    | (Asks & { type: 'bargauge'; options: Partial<Plain<BarGauge>> })
    | (Asks & { type: 'table'; options: Partial<Plain<Table>> })
    | (Common & { type: 'text'; options: Plain<Text> });
export type Checked = Omit<Pick<g.Dashboard, 'uid' | 'title' | 'description' | 'tags' | 'schemaVersion' | 'editable' | 'graphTooltip' | 'refresh' | 'timezone' | 'time'>, never> & { panels: Panel[] };
`;
let failed = false;
try {
    writeFileSync(join(work, 'types.ts'), types);
    symlinkSync(modules, join(work, 'node_modules'));
    const files = readdirSync(folder).filter((f) => f.endsWith('.json'));
    if (files.length === 0) throw new Error(`no dashboards in ${folder}`);
    for (const f of files)
        writeFileSync(join(work, f.replace('.json', '.ts')),
            `import type { Checked } from './types';\nexport const dashboard: Checked = ${readFileSync(join(folder, f), 'utf8')};\n`);
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022', '--module', 'esnext', '--moduleResolution', 'bundler'];
    execFileSync(process.execPath, [join(modules, 'typescript/bin/tsc'), ...options, ...files.map((f) => join(work, f.replace('.json', '.ts')))], { stdio: 'pipe' });
} catch (error) {
    failed = true;
    console.error(error.stdout ? error.stdout.toString() : String(error));
} finally {
    rmSync(work, { recursive: true });
}
process.exit(failed ? 1 : 0);
