// What the console looks like: every page in both languages at two widths, against golden pictures
// (tests/pictures); and what it weighs, compressed: page 15 kB, script 5, stylesheet 6. `make pictures` makes them anew; AMANAT_PICTURES_ALL=1 compares all four of
// each page, otherwise two.

#include <cstdlib>

#include "net/json.h"
#include "node.h"
#include "sample_pages.h"
#include "world.h"

namespace amanat::test {
namespace {

std::string without_tag(std::string document) {
  const std::string assets = "/assets/" + console::asset_tag() + "/";
  for (std::size_t at = document.find(assets); at != document.npos; at = document.find(assets))
    document.replace(at, assets.size(), "/");
  return document;
}

TEST(Pictures, EveryPageLooksAsItWasSeenToLook) {
  const bool renew = std::getenv("AMANAT_PICTURES_RENEW") != nullptr;
  TemporaryDirectory directory;
  std::size_t pages = 0;
  for (const auto& [language, end] :
       {std::pair{console::Language::english, "en"}, std::pair{console::Language::urdu, "ur"}})
    for (const SamplePage& page : SamplePages(language).pages) {
      const fs::path file = directory.path / (page.name + "-" + end + ".html");
      ASSERT_FALSE(fs::exists(file)) << page.name << " stands there twice";
      write_all(file, without_tag(page.document));
      ++pages;
    }
  for (const char* name : {"console.css", "console.js", "nastaliq.woff2"})
    write_all(directory.path / name, console::asset(name)->content);
  const fs::path golden = fs::path(AMANAT_SOURCE_DIR) / "tests/pictures";
  net::JsonWriter json;
  json.begin_object().key("folder").string(directory.path.string());
  json.key("golden").string(golden.string()).key("renew").boolean(renew);
  json.key("all").boolean(std::getenv("AMANAT_PICTURES_ALL") != nullptr);
  if (const char* full = std::getenv("AMANAT_PICTURES_FULL")) json.key("full").string(full);
  json.end_object();
  const fs::path config = directory.path / "pictures.json";
  write_all(config, json.take());
  const Ran ran = node("pictures.mjs", "'" + config.string() + "'");
  EXPECT_EQ(ran.status, 0) << ran.said;
  EXPECT_NE(ran.said.find(R"({"name":"done"})"), std::string::npos) << ran.said;
  if (renew) return;
  // A measure that told no two pages apart would tell nothing.
  std::size_t apart = 0, alike = 0;
  for (std::size_t at = ran.said.find("{\"apart\""); at != ran.said.npos;
       at = ran.said.find("{\"apart\"", at + 1))
    ++apart;
  for (std::size_t at = ran.said.find("{\"alike\""); at != ran.said.npos;
       at = ran.said.find("{\"alike\"", at + 1))
    ++alike;
  EXPECT_GT(apart, pages / 2);
  EXPECT_LT(alike * 20, apart) << ran.said;
  std::uintmax_t bytes = 0;
  for (const auto& one : fs::directory_iterator(golden)) bytes += one.file_size();
  EXPECT_LE(bytes, 6u << 20) << "the golden pictures are kept small";
}

}  // namespace
}  // namespace amanat::test
