// An OCI image layout: blobs by their digests, with the same bytes whenever the same goes in.
import { createHash } from 'node:crypto';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

import { tarOf } from '../tar.mjs';

const INDEX = 'application/vnd.oci.image.index.v1+json';
const MANIFEST = 'application/vnd.oci.image.manifest.v1+json';
const CONFIG = 'application/vnd.oci.image.config.v1+json';
const LAYER = 'application/vnd.oci.image.layer.v1.tar+gzip';

/** Paths of `folder` as a layer; `of` is that of `tarOf`. */
export function layerOf(folder, of) {
  const tar = tarOf(folder, of);
  return { tar, diffId: digestOf(tar) };
}

export class Layout {
  #blobs;
  #out;

  /** Replaces what is there. */
  constructor(out) {
    this.#out = out;
    this.#blobs = join(out, 'blobs/sha256');
    rmSync(this.#blobs, { recursive: true, force: true });
    mkdirSync(this.#blobs, { recursive: true });
    writeFileSync(join(out, 'oci-layout'), '{"imageLayoutVersion":"1.0.0"}');
  }

  /** Layers that images share are there once. `layers` have a `note` on what made them. */
  addImage({ layers, config, architecture, madeAt, annotations }) {
    const created = dateOf(madeAt);
    const compressed = layers.map(({ tar }) => this.#add(LAYER, gzipSync(tar)));
    const image = this.#addJson(CONFIG, {
      created,
      architecture,
      os: 'linux',
      config,
      rootfs: { type: 'layers', diff_ids: layers.map(({ diffId }) => diffId) },
      history: layers.map(({ note }) => ({ created, created_by: note })),
    });
    const manifest = this.#addJson(MANIFEST, {
      schemaVersion: 2,
      mediaType: MANIFEST,
      config: image,
      layers: compressed,
      annotations,
    });
    return { manifest: { ...manifest, platform: { os: 'linux', architecture } }, compressed };
  }

  /** One image for several platforms, under each of the tags. */
  close(manifests, { tags, annotations }) {
    const index = this.#addJson(INDEX, { schemaVersion: 2, mediaType: INDEX, manifests, annotations });
    const tagged = tags.map((tag) => ({
      ...index,
      annotations: { 'org.opencontainers.image.ref.name': tag },
    }));
    const text = JSON.stringify({ schemaVersion: 2, mediaType: INDEX, manifests: tagged });
    writeFileSync(join(this.#out, 'index.json'), text);
    return index.digest;
  }

  #addJson(mediaType, value) {
    return this.#add(mediaType, Buffer.from(JSON.stringify(value)));
  }

  #add(mediaType, bytes) {
    const digest = digestOf(bytes);
    writeFileSync(join(this.#blobs, digest.slice('sha256:'.length)), bytes);
    return { mediaType, digest, size: bytes.length };
  }
}

function digestOf(bytes) {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function dateOf(seconds) {
  return new Date(seconds * 1_000).toISOString();
}
