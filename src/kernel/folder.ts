/** The files of one process's directory by their names: what a disk of any kind does to them when nothing goes wrong. */
import { RecordFile } from './files.ts'
import type { DiskRecord, Layout } from './machine.ts'

export class Folder {
  protected readonly entries = new Map<string, RecordFile>()

  /** Names of the files, in the order in which they were made. */
  files(): readonly string[] {
    return [...this.entries.keys()]
  }

  truncate(file: string, from: number): void {
    this.file(file).truncate(from)
  }

  release(file: string, count: number): void {
    this.file(file).release(count)
  }

  read(file: string): readonly DiskRecord[] {
    return this.entries.get(file)?.read() ?? []
  }

  layOut(file: string, layout: Layout): void {
    this.file(file).layOut(layout)
  }

  damaged(file: string): Uint8Array | undefined {
    return this.entries.get(file)?.damaged()
  }

  remove(file: string): void {
    this.entries.delete(file)
  }

  /** The file of that name, made when there is none. */
  protected file(name: string): RecordFile {
    let file = this.entries.get(name)
    if (file === undefined) {
      file = new RecordFile()
      this.entries.set(name, file)
    }
    return file
  }
}
