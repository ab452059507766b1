// amanat canary: invented citizens whom nobody has a reason to ask for.

#include <chrono>
#include <fstream>
#include <set>

#include "cli/commands.h"
#include "cli/terminal.h"
#include "net/csv.h"
#include "net/json.h"
#include "storage/file.h"

namespace amanat::cli {
namespace {

constexpr std::size_t kCanariesMost = 100'000;

std::optional<std::uint64_t> number_of(const std::string& text, std::uint64_t most) {
  if (text.empty() || text.size() > 7 || text.find_first_not_of("0123456789") != std::string::npos)
    return std::nullopt;
  const std::uint64_t n = std::strtoull(text.c_str(), nullptr, 10);
  if (n > most) return std::nullopt;
  return n;
}

std::string day_of(std::uint64_t ms) {
  using namespace std::chrono;
  const year_month_day date(sys_days(days(static_cast<int>(ms / 86'400'000))));
  char text[16];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()));
  return text;
}

server::Exchange::CanaryProgress progress_to(const Emit& emit, const Manner& manner) {
  if (manner.json) return nullptr;
  return [&emit](std::uint64_t done, std::uint64_t sampled) {
    if (done == 0 && sampled % 1000 == 0)
      emit(2, grouped(sampled) + " citizens read to draw after\n");
    if (done > 0 && done % 1000 == 0) emit(2, grouped(done) + " invented\n");
  };
}

// The numbers drawn, for those who issue them: a file of this account alone.
Result<void> write_numbers(const std::string& file, const std::vector<std::string>& numbers) {
  std::string text = "number\n";
  for (const std::string& number : numbers) text += number + "\n";
  return storage::replace_file(storage::system_disk(), file, text, 0600);
}

int tell(const server::Exchange::Canaries& made, const Call& call, const Emit& emit) {
  if (const std::string file = call.option_or("numbers", ""); !file.empty() && made.made > 0)
    if (auto written = write_numbers(file, made.numbers); !written)
      return complain(emit, call.manner, written.error());
  if (call.manner.json) {
    net::JsonWriter json;
    json.begin_object().key("made").number(made.made).key("kin").number(made.kin);
    json.key("records").number(made.records).key("retired").number(made.retired).end_object();
    emit(1, json.take() + "\n");
    return 0;
  }
  if (made.made == 0) {
    emit(1, "None is old enough to be replaced.\n");
    return 0;
  }
  emit(1, grouped(made.made) + " citizens invented, with " + grouped(made.kin) + " kin and " +
              grouped(made.records) + " records in all registers, and planted.\n");
  if (made.retired > 0) emit(1, grouped(made.retired) + " old ones taken out of every register.\n");
  if (const std::string file = call.option_or("numbers", ""); !file.empty())
    emit(1,
         "Their numbers are in " + visible(file) +
             ": give them to those who issue numbers, never to be issued, and remove the file.\n");
  return 0;
}

}  // namespace

int run_canary_plant(server::Exchange& exchange, const Call& call, const Emit& emit) {
  auto reader = net::CsvReader::open(call.words.at(0));
  if (!reader) return complain(emit, call.manner, reader.error());
  std::vector<SubjectName> canaries;
  net::CsvReader::Row row;
  for (bool first = true;; first = false) {
    auto more = reader->next(row);
    if (!more) return complain(emit, call.manner, more.error());
    if (!*more) break;
    if (row.cells.empty()) continue;
    Question question;
    question.subject.search = "national_id";
    question.subject.value = std::string(row.cells[0]);
    auto name = exchange.registry().subject_of_question(question);
    if (!name || !*name) {
      if (first) continue;  // the header
      return complain(emit, call.manner,
                      Failure{Reason::malformed_value, "row " + std::to_string(row.line)});
    }
    if (canaries.size() == kCanariesMost)
      return complain(emit, call.manner, Failure{Reason::value_too_long, "too many canaries"});
    canaries.push_back(**name);
  }
  auto planted = exchange.plant(canaries, call.option("department"));
  if (!planted) return complain(emit, call.manner, planted.error());
  if (call.manner.json)
    emit(1, "{\"planted\":" + std::to_string(canaries.size()) +
                ",\"in_all\":" + std::to_string(*planted) + "}\n");
  else
    emit(1, grouped(canaries.size()) + " canaries planted for " +
                visible(call.option("department")) + "; " + grouped(*planted) +
                " in all. Remove the file: it says who they are.\n");
  return 0;
}

int run_canary_retire(server::Exchange& exchange, const Call& call, const Emit& emit) {
  auto retired = exchange.retire_canaries(call.option("department"));
  if (!retired) return complain(emit, call.manner, retired.error());
  if (call.manner.json)
    emit(1, "{\"retired\":" + std::to_string(*retired) + "}\n");
  else
    emit(1, grouped(*retired) + " canaries retired.\n");
  return 0;
}

int run_canary_make(server::Exchange& exchange, const Call& call, const Emit& emit) {
  const auto count = number_of(call.option("count"), kCanariesMost);
  if (!count || *count == 0)
    return complain(emit, call.manner,
                    Failure{Reason::usage_wrong, "--count is 1 to " + grouped(kCanariesMost)});
  auto made =
      exchange.make_canaries(call.option("department"), *count, progress_to(emit, call.manner));
  if (!made) return complain(emit, call.manner, made.error());
  return tell(*made, call, emit);
}

int run_canary_rotate(server::Exchange& exchange, const Call& call, const Emit& emit) {
  const auto days = number_of(call.option_or("days", "90"), 3650);
  if (!days)
    return complain(emit, call.manner, Failure{Reason::usage_wrong, "--days is 0 to 3650"});
  std::set<std::string> departments{call.option_or("department", "")};
  if (departments.contains("")) {
    auto batches = exchange.canary_batches();
    if (!batches) return complain(emit, call.manner, batches.error());
    departments.clear();
    for (const auto& one : *batches) departments.insert(one.department);
  }
  server::Exchange::Canaries all;
  for (const std::string& department : departments) {
    auto made = exchange.rotate_canaries(department, *days, progress_to(emit, call.manner));
    if (!made) return complain(emit, call.manner, made.error());
    all.made += made->made;
    all.kin += made->kin;
    all.records += made->records;
    all.retired += made->retired;
    all.numbers.insert(all.numbers.end(), made->numbers.begin(), made->numbers.end());
  }
  return tell(all, call, emit);
}

int run_canary_list(server::Exchange& exchange, const Call& call, const Emit& emit) {
  auto batches = exchange.canary_batches();
  if (!batches) return complain(emit, call.manner, batches.error());
  net::JsonWriter json;
  json.begin_object().key("batches").begin_array();
  std::string text = batches->empty() ? "No canary is planted.\n" : "";
  for (const auto& one : *batches) {
    json.begin_object()
        .key("department")
        .string(one.department)
        .key("citizens")
        .number(one.citizens);
    json.key("kin").number(one.kin);
    if (one.made_at != 0) json.key("made_at").number(one.made_at);
    json.end_object();
    text += visible(one.department) + "  " + grouped(one.citizens) + " citizens, " +
            grouped(one.kin) + " kin  " +
            (one.made_at == 0 ? "planted from a file" : "made " + day_of(one.made_at)) + "\n";
  }
  json.end_array().end_object();
  emit(1, call.manner.json ? json.take() + "\n" : text);
  return 0;
}

}  // namespace amanat::cli
