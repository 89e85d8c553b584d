//! Keys, in files that only their owner may read.

use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

use libp2p_identity::Keypair;

use crate::errors::Error;
use crate::membership::GatewayId;

/// The name of the key file in the state directory.
const FILE: &str = "gateway.key";

/// The key of the gateway whose state is in `state`, made on the first call.
pub(crate) fn of_gateway(state: &Path) -> Result<Keypair, Error> {
    load_or_make(&state.join(FILE))
}

/// The key in the file at `path`, made where there is no such file.
pub(crate) fn load_or_make(path: &Path) -> Result<Keypair, Error> {
    if let Some(key) = load(path)? {
        return Ok(key);
    }
    let key = Keypair::generate_ed25519();
    write(path, &key).map_err(|source| Error::State { path: path.to_owned(), source })?;
    Ok(key)
}

/// The key in the file at `path`; `None` where there is no such file.
pub(crate) fn load(path: &Path) -> Result<Option<Keypair>, Error> {
    match fs::read(path) {
        Ok(bytes) => {
            refuse_shared(path)?;
            let key = Keypair::from_protobuf_encoding(&bytes);
            key.map(Some).map_err(|_| Error::Key { path: path.to_owned() })
        }
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::State { path: path.to_owned(), source }),
    }
}

/// The name that goes with `key`.
pub(crate) fn gateway_id(key: &Keypair) -> Result<GatewayId, Error> {
    GatewayId::try_from(key.public().to_peer_id()).map_err(|_| Error::Key { path: FILE.into() })
}

fn write(path: &Path, key: &Keypair) -> io::Result<()> {
    let bytes = key.to_protobuf_encoding().map_err(io::Error::other)?;
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    let written = file.write_all(&bytes).and_then(|()| file.sync_all());
    // Half of a key would be taken for a damaged one at the next start.
    written.inspect_err(|_| drop(fs::remove_file(path)))
}

fn refuse_shared(path: &Path) -> Result<(), Error> {
    use std::os::unix::fs::PermissionsExt as _;
    let meta =
        fs::metadata(path).map_err(|source| Error::State { path: path.to_owned(), source })?;
    if meta.permissions().mode().trailing_zeros() >= 6 {
        Ok(())
    } else {
        Err(Error::SharedKey { path: path.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn the_key_stays_the_same_and_private() {
        let dir = tempfile::tempdir().unwrap();
        let first = gateway_id(&of_gateway(dir.path()).unwrap()).unwrap();
        let again = gateway_id(&of_gateway(dir.path()).unwrap()).unwrap();
        assert_eq!(first, again);
        let path = dir.path().join(FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(of_gateway(dir.path()), Err(Error::SharedKey { .. })));
    }
}
