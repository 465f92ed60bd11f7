#include "http/date.hpp"

#include <array>
#include <chrono>

namespace fusegate::http {
namespace {

using Name = std::array<char, 4>;
constexpr std::array<Name, 7> kDays{
    {{"Sun"}, {"Mon"}, {"Tue"}, {"Wed"}, {"Thu"}, {"Fri"}, {"Sat"}}};
constexpr std::array<Name, 12> kMonths{{{"Jan"},
                                        {"Feb"},
                                        {"Mar"},
                                        {"Apr"},
                                        {"May"},
                                        {"Jun"},
                                        {"Jul"},
                                        {"Aug"},
                                        {"Sep"},
                                        {"Oct"},
                                        {"Nov"},
                                        {"Dec"}}};

void put_name(char* out, const Name& name) {
  for (int i = 0; i < 3; ++i) {
    out[i] = name[static_cast<std::size_t>(i)];
  }
}

void put_number(char* out, int digits, unsigned value) {
  for (; digits > 0; value /= 10) {
    out[--digits] = static_cast<char>('0' + value % 10);
  }
}

}  // namespace

std::string_view format_date(WallTime at, char* out) {
  const auto seconds = std::chrono::floor<std::chrono::seconds>(at);
  const auto day = std::chrono::floor<std::chrono::days>(seconds);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{seconds - day};
  static constexpr std::string_view kShape = "Ddd, 00 Mmm 0000 00:00:00 GMT";
  static_assert(kShape.size() == kDateSize);
  kShape.copy(out, kDateSize);
  put_name(out, kDays[std::chrono::weekday{day}.c_encoding()]);
  put_number(out + 5, 2, static_cast<unsigned>(date.day()));
  put_name(out + 8, kMonths[static_cast<unsigned>(date.month()) - 1]);
  put_number(out + 12, 4, static_cast<unsigned>(static_cast<int>(date.year())));
  put_number(out + 17, 2, static_cast<unsigned>(time.hours().count()));
  put_number(out + 20, 2, static_cast<unsigned>(time.minutes().count()));
  put_number(out + 23, 2, static_cast<unsigned>(time.seconds().count()));
  return {out, kDateSize};
}

}  // namespace fusegate::http
