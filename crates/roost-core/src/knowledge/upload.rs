use roost_domain::key::Scope;
use roost_domain::knowledge::{LONGEST_TEXT, Owner, Shelf, cut_up};
use roost_ports::reader::{self, Format};
use serde_json::{Map, Value, json};

use super::put::{Draft, Put, Stored};
use super::{Knowledge, check_source};
use crate::{Ctx, Error, Kind};

/// The largest file, in bytes.
const LARGEST: usize = 20 * 1024 * 1024;

/// The most texts that one file is cut into.
const MOST_TEXTS: usize = 5_000;

/// How long the texts are that a file is cut into. Models that say what texts mean read about so much of one at once.
const LENGTH: usize = 1_200;

/// How long a file may take to be read.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

/// A file to be taken in.
#[derive(Debug, Clone)]
pub struct Upload {
    /// Whose knowledge it becomes; an agent's swarm's, if it is in one.
    pub owner: Owner,
    /// The file's name, whose ending says what it is.
    pub name: String,
    /// What the uploader says it is.
    pub media_type: Option<String>,
    /// What the entries' source is called; the file's name if nobody says.
    pub source: Option<String>,
    /// The file.
    pub bytes: Vec<u8>,
}

/// What became of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Uploaded {
    /// What its entries' source is called.
    pub source: String,
    /// What became of its texts.
    pub stored: Stored,
}

impl Knowledge<'_> {
    /// Takes the text out of a file, cuts it along its structure, and takes the pieces in, in the place of whatever had
    /// the same source: all or nothing.
    ///
    /// # Errors
    ///
    /// `InvalidInput` names the field, or says with the code `unreadable_document` what is wrong with the file;
    /// `TooLarge`; `NotFound` for the agent or the swarm; else as [`Knowledge::ingest`].
    pub async fn upload(&self, ctx: &Ctx, upload: Upload) -> Result<Uploaded, Error> {
        ctx.require(Scope::KnowledgeWrite)?;
        let source = upload.source.unwrap_or_else(|| upload.name.clone());
        check_source("source", &source)?;
        let format = Format::of(&upload.name, upload.media_type.as_deref()).ok_or_else(|| {
            let known = "a name that ends in .md, .html, .pdf, .docx, .csv or .txt";
            Error::invalid("file", format!("is of a kind that cannot be read; it needs {known}"))
        })?;
        if upload.bytes.len() > LARGEST {
            return Err(Error::new(Kind::TooLarge, "body_too_large", "file has more than 20 MiB"));
        }
        let owner = self.0.owner(ctx, upload.owner).await?;
        let texts = self.read(format, upload.bytes).await?;
        let metadata = Map::from_iter([("type".to_owned(), json!("document"))]);
        let draft = |(index, text): (usize, String)| {
            let mut metadata = metadata.clone();
            metadata.insert("part".to_owned(), Value::from(index + 1));
            Draft { text, source: source.clone(), metadata }
        };
        let put = Put {
            account: ctx.account(),
            shelf: Shelf::knowledge(owner),
            drafts: texts.into_iter().enumerate().map(draft).collect(),
            replaces: Some(source.clone()),
            forgets_beyond: None,
            now: ctx.now,
        };
        Ok(Uploaded { stored: self.0.put(put).await?, source: source.clone() })
    }

    /// Reads and cuts a file off the threads that answer requests.
    async fn read(&self, format: Format, bytes: Vec<u8>) -> Result<Vec<String>, Error> {
        let reader = self.0.ports.reader.clone();
        // As with scans: held by the work, which goes on when its caller has given up.
        let place = self.0.reading.clone().acquire_owned().await.map_err(Error::internal)?;
        let work = move || {
            let _place = place;
            let blocks = reader.read(format, &bytes)?;
            Ok::<_, reader::Error>(cut_up(&blocks, LENGTH.min(LONGEST_TEXT)))
        };
        let read = match tokio::time::timeout(PATIENCE, tokio::task::spawn_blocking(work)).await {
            Ok(read) => read.map_err(Error::internal)?,
            Err(_) => {
                let message = "file takes too long to be read; split it, or upload its text";
                return Err(Error::new(Kind::InvalidInput, "unreadable_document", message));
            }
        };
        let texts = read.map_err(|error| {
            Error::new(Kind::InvalidInput, "unreadable_document", error.to_string()).caused_by(error)
        })?;
        let unreadable = |message: &str| Err(Error::new(Kind::InvalidInput, "unreadable_document", message));
        match texts.len() {
            0 => unreadable("the file has no text; pages that were scanned are pictures, upload their text"),
            count if count > MOST_TEXTS => unreadable("the file has too much text; split it"),
            _ => Ok(texts),
        }
    }
}
