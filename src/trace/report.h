#pragma once
// trace, report: what a verdict says, for people: one page first, then rows and numbers. A page of
// its own without script or anything from elsewhere, in English and in Urdu, and the same in
// English as a PDF. It speaks of accounts' copies, never of persons, and draws no conclusion the
// numbers do not (tracing page 11.4). Pure, thread-safe.

#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "trace/findings.h"

namespace amanat::trace {

enum class Language : std::uint8_t { english, urdu };

struct ReportInput {
  const Findings* findings = nullptr;
  const Extraction* extraction = nullptr;
  const AllFacts* facts = nullptr;
  const disclosure::SlotCatalogue* catalogue = nullptr;
  SymbolOf symbol_of;                           // of the named accounts
  std::function<std::string(AccountId)> id_of;  // an account's name: PO-1000
  std::string trace, brought_by;
  std::string impact;   // CSV: citizen, fields, rows
  bool marked = false;  // the exchange's answers carry coins
  std::string_view urdu_font;  // WOFF2, put into the Urdu page; empty: the reader's own
};

/// first_days counts rows by the day (YYYY-MM-DD) on which each could first be had.
std::map<std::string, std::uint64_t> first_days(const Extraction& extraction,
                                                const AllFacts& facts);

/// report_html is a whole document. The findings stand in it word for word.
std::string report_html(const ReportInput& input, Language language);
/// report_pdf is PDF 1.4, Latin letters alone.
std::string report_pdf(const ReportInput& input);

}  // namespace amanat::trace
