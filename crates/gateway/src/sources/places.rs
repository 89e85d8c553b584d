//! Places of addresses, from databases in the format of `MaxMind`.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use crosstalk_services::Found;
use maxminddb::{LookupResult, Reader, geoip2};
use serde::Deserialize;

use super::Error;
use crate::policy::ranges::is_public;

/// Databases of cities by address, in memory. Some hold addresses of one family only.
pub(super) struct Places(Vec<Reader<Vec<u8>>>);

/// A row of a database that has columns in place of names in many languages, as those of
/// ip-location-db have.
#[derive(Deserialize)]
struct Columns<'a> {
    #[serde(borrow, default)]
    city: Option<&'a str>,
    #[serde(borrow, default)]
    country_code: Option<&'a str>,
}

impl Places {
    /// Reads databases; `None` where there are none.
    pub(super) fn open(paths: &[PathBuf]) -> Result<Option<Self>, Error> {
        let readers = paths.iter().map(|path| read(path)).collect::<Result<Vec<_>, _>>()?;
        Ok((!readers.is_empty()).then_some(Self(readers)))
    }

    /// Place of an address. One that carries an IPv4 address is looked up as that.
    pub(super) fn of(&self, address: IpAddr) -> Found {
        let address = address.to_canonical();
        if !is_public(address) {
            return Found::Private;
        }
        // Of the other family a database knows nothing, and says so as a fault.
        let mut found = self.0.iter().filter_map(|reader| reader.lookup(address).ok());
        found.find_map(|row| place(&row)).unwrap_or(Found::Unknown)
    }
}

fn read(path: &Path) -> Result<Reader<Vec<u8>>, Error> {
    let bad = |error: maxminddb::MaxMindDbError| Error::Places(path.to_owned(), error.to_string());
    Reader::open_readfile(path).map_err(bad)
}

fn place(row: &LookupResult<'_, Vec<u8>>) -> Option<Found> {
    let (city, country) = match row.decode::<geoip2::City<'_>>() {
        Ok(names) => names.map(|row| (row.city.names.english, row.country.names.english))?,
        Err(_) => row.decode::<Columns<'_>>().ok()?.map(|row| (row.city, row.country_code))?,
    };
    // Some name the part of the city too, in brackets: more than a person who shares a city shares.
    let city = city.map(|city| city.split(" (").next().unwrap_or(city));
    let city = city.filter(|city| !city.is_empty())?.to_owned();
    Some(Found::Place { city, country: country.unwrap_or_default().to_owned() })
}
