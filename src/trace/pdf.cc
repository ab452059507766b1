#include "trace/pdf.h"

#include <algorithm>
#include <cstdio>

namespace amanat::trace {
namespace {

constexpr int kLeft = 50, kBottom = 60, kTop = 790;
constexpr std::size_t kAcross = 950;  // characters times points on a line
constexpr int kBarsHeight = 90, kSquare = 7, kSquareStep = 10;
constexpr double kBarStep = 62;

std::string rectangle(double x, double y, double width, double height) {
  char text[96];
  std::snprintf(text, sizeof text, "%.1f %.1f %.1f %.1f re ", x, y, width, height);
  return text;
}

}  // namespace

void Pdf::line(std::string_view text, unsigned size, bool bold) {
  const std::size_t most = kAcross / size;
  do {
    std::size_t n = std::min(text.size(), most);
    if (n < text.size())
      if (const auto blank = text.rfind(' ', n); blank != text.npos && blank > n / 2) n = blank;
    room_for(0);
    text_at(kLeft, y_, text.substr(0, n), size, bold);
    y_ -= static_cast<int>(size) + 4;
    text.remove_prefix(n);
    while (text.starts_with(' ')) text.remove_prefix(1);
  } while (!text.empty());
}

void Pdf::bars(const std::vector<Bar>& all) {
  room_for(kBarsHeight + 40);
  const double step = std::min(kBarStep, 480.0 / static_cast<double>(std::max<std::size_t>(all.size(), 1)));
  const int base = y_ - kBarsHeight - 14;
  double x = kLeft;
  for (const Bar& bar : all) {
    page_ += bar.alert ? ".69 0 .13 rg " : ".14 .29 .52 rg ";
    page_ += rectangle(x, base, step * .7, bar.height * kBarsHeight) + "f 0 g\n";
    text_at(x, base - 12, bar.below, 8, false);
    text_at(x, base + static_cast<int>(bar.height * kBarsHeight) + 3, bar.above, 8, false);
    x += step;
  }
  y_ = base - 28;
}

void Pdf::squares(const std::vector<bool>& filled) {
  room_for(kSquareStep);
  double x = kLeft;
  for (const bool one : filled) {
    page_ += rectangle(x, y_, kSquare, kSquare) + (one ? "B\n" : "S\n");
    x += kSquareStep;
    if (x > 540) break;
  }
  y_ -= kSquareStep;
}

std::string Pdf::take() {
  end_page();
  std::vector<std::string> objects = {"<< /Type /Catalog /Pages 2 0 R >>", ""};
  objects.push_back("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>");
  objects.push_back("<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold >>");
  std::string kids;
  for (const std::string& page : pages_) {
    const std::size_t number = objects.size() + 1;
    kids += std::to_string(number) + " 0 R ";
    objects.push_back("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents " +
                      std::to_string(number + 1) +
                      " 0 R /Resources << /Font << /F1 3 0 R /F2 4 0 R >> >> >>");
    objects.push_back("<< /Length " + std::to_string(page.size()) + " >>\nstream\n" + page +
                      "\nendstream");
  }
  objects[1] =
      "<< /Type /Pages /Kids [" + kids + "] /Count " + std::to_string(pages_.size()) + " >>";
  std::string out = "%PDF-1.4\n";
  std::vector<std::size_t> at;
  for (std::size_t i = 0; i < objects.size(); ++i) {
    at.push_back(out.size());
    out += std::to_string(i + 1) + " 0 obj\n" + objects[i] + "\nendobj\n";
  }
  const std::size_t table = out.size();
  out += "xref\n0 " + std::to_string(objects.size() + 1) + "\n0000000000 65535 f \n";
  for (const std::size_t offset : at) {
    char row[32];
    std::snprintf(row, sizeof row, "%010zu 00000 n \n", offset);
    out += row;
  }
  return out + "trailer\n<< /Size " + std::to_string(objects.size() + 1) +
         " /Root 1 0 R >>\nstartxref\n" + std::to_string(table) + "\n%%EOF\n";
}

void Pdf::room_for(int points) {
  if (y_ < kBottom + points) end_page();
}

void Pdf::text_at(double x, int y, std::string_view text, unsigned size, bool bold) {
  char place[64];
  std::snprintf(place, sizeof place, "%u Tf %.1f %d Td (", size, x, y);
  page_ += bold ? "BT /F2 " : "BT /F1 ";
  page_ += place;
  for (const char c : text) {
    if (c == '(' || c == ')' || c == '\\') page_ += '\\';
    page_ += c >= 0x20 && c < 0x7f ? c : '?';
  }
  page_ += ") Tj ET\n";
}

void Pdf::end_page() {
  if (!page_.empty()) pages_.push_back(std::move(page_));
  page_.clear();
  y_ = kTop;
}

}  // namespace amanat::trace
