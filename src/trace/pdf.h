#pragma once
// trace, pdf: pages of text and simple drawings in the standard fonts every reader has (PDF 1.4, ISO
// 32000-1 9.6.2.2). Latin letters alone. This room only; one thread.

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace amanat::trace {

class Pdf {
 public:
  /// line writes text, broken where it is too wide.
  void line(std::string_view text, unsigned size = 10, bool bold = false);
  void gap() { y_ -= 8; }
  /// Bar is one of a row of bars, of a height between 0 and 1; `alert` bars are red, others blue.
  struct Bar {
    double height = 0;
    std::string below, above;
    bool alert = false;
  };
  void bars(const std::vector<Bar>& all);
  /// squares draws a line of squares, those that are true filled.
  void squares(const std::vector<bool>& filled);
  std::string take();

 private:
  void room_for(int points);
  void text_at(double x, int y, std::string_view text, unsigned size, bool bold);
  void end_page();
  std::string page_;
  std::vector<std::string> pages_;
  int y_ = 790;
};

}  // namespace amanat::trace
