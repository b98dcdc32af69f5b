//! Local files, where the object store's interface is not enough.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use bytes::Bytes;
use futures::stream::{self, Stream};
use tokio::task::spawn_blocking;

/// Large enough that a hand-over to the blocking pool costs little beside the read itself.
const CHUNK: u64 = 4 << 20;

/// Reads `size` bytes of `file`, a few at a time and off the runtime's workers. A shorter file ends the stream early.
pub(crate) fn read(file: File, size: u64) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold((file, size), |(file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let reading = spawn_blocking(move || {
            let length = left.min(CHUNK);
            let mut chunk = Vec::with_capacity(length as usize);
            (&file).take(length).read_to_end(&mut chunk)?;
            Ok::<_, io::Error>((file, chunk))
        });
        let (file, chunk) = reading.await.map_err(io::Error::other)??;
        let left = if chunk.is_empty() { 0 } else { left - chunk.len() as u64 };
        Ok((!chunk.is_empty()).then(|| (Bytes::from(chunk), (file, left))))
    })
}

/// Removes the empty folders beneath `folder`, which stays: whoever named it may want to write into it again.
pub(crate) async fn remove_empty_folders(folder: String) {
    // Folders that are not empty, not ours or not there are left as they are: the objects are gone, and that was asked.
    let _ = spawn_blocking(move || remove_beneath(Path::new(&folder))).await;
}

fn remove_beneath(folder: &Path) {
    let Ok(entries) = folder.read_dir() else { return };
    for entry in entries.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            remove_beneath(&entry.path());
            let _ = std::fs::remove_dir(entry.path());
        }
    }
}
