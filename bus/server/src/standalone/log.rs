//! nats-server's log lines: `[pid] 2026/01/31 12:00:00.000000 [INF] text`, times in UTC.

use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{SystemTime, UNIX_EPOCH};

use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Subscriber, error};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, MakeWriter};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::LookupSpan;

use crate::conf::LogSettings;

/// Events with this target are why the server does not start.
const FATAL: &str = "argentum_bus_server::fatal";

/// Where log lines go.
#[derive(Clone)]
pub(super) struct Log {
    path: Option<PathBuf>,
    file: Arc<Mutex<Option<File>>>,
}

struct Line {
    has_time: bool,
}

/// Writes one line.
pub(super) struct LogWriter {
    file: Arc<Mutex<Option<File>>>,
}

/// Says why the server does not start.
pub(super) fn fatal(text: &str) {
    error!(target: FATAL, "{text}");
}

// === impl Log ===

impl Log {
    /// Opens the log file, if one is named, and makes this the process's log.
    pub(super) fn start(settings: &LogSettings) -> io::Result<Self> {
        let file = settings.file.as_deref().map(|path| OpenOptions::new().create(true).append(true).open(path)).transpose()?;
        let log = Self { path: settings.file.clone(), file: Arc::new(Mutex::new(file)) };
        let level = match settings {
            LogSettings { is_trace: true, .. } => LevelFilter::TRACE,
            LogSettings { is_debug: true, .. } => LevelFilter::DEBUG,
            _ => LevelFilter::INFO,
        };
        let lines = tracing_subscriber::fmt::layer().event_format(Line { has_time: settings.has_time }).with_writer(log.clone());
        let subscriber = tracing_subscriber::registry().with(Targets::new().with_target("argentum_bus_server", level)).with(lines);
        // Whoever embeds this program may have a log already: then its lines go there.
        let _ = tracing::subscriber::set_global_default(subscriber);
        Ok(log)
    }

    /// Opens the file again, after it was moved away.
    pub(super) fn reopen(&self) {
        let Some(path) = &self.path else { return };
        match OpenOptions::new().create(true).append(true).open(path) {
            Ok(file) => *self.file.lock().unwrap_or_else(PoisonError::into_inner) = Some(file),
            Err(error) => error!(%error, "failed to open the log file again"),
        }
    }
}

impl<'w> MakeWriter<'w> for Log {
    type Writer = LogWriter;

    fn make_writer(&'w self) -> LogWriter {
        LogWriter { file: self.file.clone() }
    }
}

// === impl LogWriter ===

impl Write for LogWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut *self.file.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(file) => file.write(bytes),
            None => io::stderr().write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

// === impl Line ===

impl<S, N> FormatEvent<S, N> for Line
where
    S: Subscriber + for<'l> LookupSpan<'l>,
    N: for<'w> FormatFields<'w> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut writer: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        write!(writer, "[{}] ", std::process::id())?;
        if self.has_time {
            write!(writer, "{} ", timestamp(SystemTime::now()))?;
        }
        write!(writer, "[{}] ", label(event))?;
        context.format_fields(writer.by_ref(), event)?;
        writeln!(writer)
    }
}

fn label(event: &Event<'_>) -> &'static str {
    match *event.metadata().level() {
        _ if event.metadata().target() == FATAL => "FTL",
        Level::ERROR => "ERR",
        Level::WARN => "WRN",
        Level::INFO => "INF",
        Level::DEBUG => "DBG",
        Level::TRACE => "TRC",
    }
}

/// `YYYY/MM/DD hh:mm:ss.uuuuuu`. The days are turned into a date by counting 400-year cycles from 1 March of the year 0.
fn timestamp(time: SystemTime) -> String {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (days, seconds) = (since.as_secs() / 86_400, since.as_secs() % 86_400);
    let days = days + 719_468;
    let (cycle, day_of_cycle) = (days / 146_097, days % 146_097);
    let year_of_cycle = (day_of_cycle - day_of_cycle / 1_460 + day_of_cycle / 36_524 - day_of_cycle / 146_096) / 365;
    let day_of_year = day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = 400 * cycle + year_of_cycle + u64::from(month <= 2);
    let (hour, minute, second, micros) = (seconds / 3600, seconds / 60 % 60, seconds % 60, since.subsec_micros());
    format!("{year:04}/{month:02}/{day:02} {hour:02}:{minute:02}:{second:02}.{micros:06}")
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_are_those_of_the_calendar() {
        let at = |seconds: u64| timestamp(UNIX_EPOCH + Duration::from_secs(seconds));
        assert_eq!(at(0), "1970/01/01 00:00:00.000000");
        assert_eq!(at(951_827_696), "2000/02/29 12:34:56.000000");
        assert_eq!(at(4_107_542_399), "2100/02/28 23:59:59.000000");
        assert_eq!(at(1_735_689_599), "2024/12/31 23:59:59.000000");
    }
}
