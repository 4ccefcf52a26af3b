// Reads a Dockerfile, as far as this repository uses its language: no heredocs, no parser directives, no `RUN` of the last stage.

/** Instructions in their order, each on one line and without its comments. */
export function instructionsOf(dockerfile) {
  const instructions = [];
  let pending;
  for (const [at, text] of dockerfile.split('\n').entries()) {
    if (/^\s*#/.test(text) || (text.trim() === '' && pending === undefined)) continue;
    pending ??= { line: at + 1, text: '' };
    pending.text += text.replace(/\\\s*$/, '');
    if (/\\\s*$/.test(text)) continue;
    const [, name, rest] = /^\s*([A-Za-z]+)\s+(.*)$/.exec(pending.text) ?? [];
    if (name === undefined) throw new Error(`line ${pending.line}: no instruction: ${pending.text}`);
    const [flags] = /^(?:--\S+\s+)*/.exec(rest);
    instructions.push({
      line: pending.line,
      name: name.toUpperCase(),
      flags: flags.split(/\s+/).filter((flag) => flag !== ''),
      text: rest.slice(flags.length).trim(),
    });
    pending = undefined;
  }
  return instructions;
}

/** The configuration of the image that the last stage makes, as an OCI image has it; `args` are those of the build. */
export function configOf(dockerfile, args) {
  const all = instructionsOf(dockerfile);
  const last = all.slice(all.findLastIndex(({ name }) => name === 'FROM') + 1);
  const values = { ...args };
  const config = {
    Env: ['PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'],
    Labels: {},
  };
  for (const { name, flags, line, text: raw } of last) {
    const text = raw.replaceAll(/\$\{(\w+)\}/g, (_, variable) => {
      if (values[variable] === undefined) throw new Error(`line ${line}: ${variable} is not known`);
      return values[variable];
    });
    switch (name) {
      case 'ARG': {
        const [key, preset] = pairOf(text);
        values[key] ??= preset;
        break;
      }
      case 'LABEL':
        Object.assign(config.Labels, Object.fromEntries(pairsOf(text)));
        break;
      case 'ENV':
        config.Env.push(...pairsOf(text).map((pair) => pair.join('=')));
        break;
      case 'USER':
        config.User = text;
        break;
      case 'WORKDIR':
        config.WorkingDir = text;
        break;
      case 'VOLUME':
        config.Volumes = Object.fromEntries(JSON.parse(text).map((path) => [path, {}]));
        break;
      case 'EXPOSE':
        config.ExposedPorts = { [`${text}/tcp`]: {} };
        break;
      case 'ENTRYPOINT':
        config.Entrypoint = JSON.parse(text);
        break;
      case 'HEALTHCHECK':
        config.Healthcheck = healthcheckOf(flags, text);
        break;
      case 'COPY':
        // Layers, which build.mjs makes.
        break;
      default:
        throw new Error(`line ${line}: ${name} is nothing that build.mjs knows how to do`);
    }
  }
  return config;
}

/** `key=value key="value with blanks"` */
function pairsOf(text) {
  return [...text.matchAll(/([^\s=]+)=(?:"([^"]*)"|(\S*))/g)].map(([, key, quoted, plain]) => [
    key,
    quoted ?? plain,
  ]);
}

function pairOf(text) {
  return pairsOf(text)[0] ?? [text, undefined];
}

const NANOSECONDS = 1e9;

function healthcheckOf(flags, text) {
  const options = Object.fromEntries(flags.map((flag) => flag.slice(2).split('=')));
  const seconds = (name) => Number(/^(\d+)s$/.exec(options[name])[1]) * NANOSECONDS;
  return {
    Test: ['CMD', ...JSON.parse(text.replace(/^CMD\s+/, ''))],
    Interval: seconds('interval'),
    Timeout: seconds('timeout'),
    StartPeriod: seconds('start-period'),
    Retries: Number(options.retries),
  };
}
