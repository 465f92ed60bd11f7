// What docs/metrics.md says, what the code lists and what a scrape holds are the same.
#include "telemetry/metric_list.hpp"
#include "unit/telemetry/metrics_rig.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

namespace fusegate::telemetry {
namespace {

/// One row of the table in docs/metrics.md, and the same as told by a scrape.
struct Row {
  std::string type;
  std::set<std::string> labels;
  std::string help;
  bool operator==(const Row&) const = default;
};
void PrintTo(const Row& row, std::ostream* out) {
  *out << row.type << " {";
  for (const auto& label : row.labels) {
    *out << label << ' ';
  }
  *out << "} " << row.help;
}

std::map<std::string, Row> rows_of_docs() {
  const auto page = std::filesystem::path(FUSEGATE_SOURCE_DIR) / "docs/metrics.md";
  std::ifstream file(page);
  std::map<std::string, Row> rows;
  for (std::string line; std::getline(file, line);) {
    const bool names_metric = line.starts_with("| `fusegate_") || line.starts_with("| `process_");
    const auto cells = split(line, " | ");
    if (!names_metric || cells.size() != 4) {
      continue;
    }
    Row& row = rows[cells[0].substr(3, cells[0].size() - 4)];
    row.type = cells[1];
    if (cells[2] != "-") {
      const auto labels = split(cells[2], ", ");
      row.labels = {labels.begin(), labels.end()};
    }
    row.help = cells[3].substr(0, cells[3].size() - 2);
  }
  return rows;
}

/// The family of a sample: histograms have three suffixes.
std::string family_of(const std::string& sample, const std::map<std::string, Row>& rows) {
  const std::string name = sample.substr(0, sample.find_first_of("{ "));
  for (const std::string_view suffix : {"_bucket", "_sum", "_count"}) {
    if (name.ends_with(suffix) && rows.contains(name.substr(0, name.size() - suffix.size()))) {
      return name.substr(0, name.size() - suffix.size());
    }
  }
  return name;
}

std::map<std::string, Row> rows_of_scrape(const std::string& text) {
  std::map<std::string, Row> rows;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    const auto words = split(line, " ");
    if (line.starts_with("# HELP ")) {
      rows[words[2]].help = line.substr(8 + words[2].size());
    } else if (line.starts_with("# TYPE ")) {
      rows[words[2]].type = words[3];
    } else if (const std::size_t open = line.find('{'); open != std::string::npos) {
      Row& row = rows[family_of(line, rows)];
      for (const auto& pair : split(line.substr(open + 1, line.rfind('}') - open - 1), "\",")) {
        row.labels.insert(pair.substr(0, pair.find('=')));
      }
      row.labels.erase("le");
      row.labels.erase("");
    }
  }
  return rows;
}

TEST_F(MetricsTest, TellsExactlyWhatThePageSays) {
  config_->metrics.per_endpoint = true;
  const auto docs = rows_of_docs();
  const auto code = rows_of_scrape(scrape());
  ASSERT_FALSE(docs.empty());
  for (const auto& [name, row] : code) {
    ASSERT_TRUE(docs.contains(name)) << name << " is missing in docs/metrics.md";
    EXPECT_EQ(docs.at(name), row) << name;
  }
  for (const auto& [name, row] : docs) {
    EXPECT_TRUE(code.contains(name)) << name << " is in docs/metrics.md only";
  }
}

TEST_F(MetricsTest, ListsTheLabelsItUses) {
  config_->metrics.per_endpoint = true;
  for (const auto& [name, row] : rows_of_scrape(scrape())) {
    const MetricInfo* info = find_metric(name);
    ASSERT_NE(info, nullptr) << name;
    std::set<std::string> labels;
    for (const auto& label : split(std::string(info->labels), ",")) {
      labels.insert(label);
    }
    labels.erase("");
    EXPECT_EQ(labels, row.labels) << name;
  }
}

TEST_F(MetricsTest, SatisfiesPromtool) {
  if (std::system("command -v promtool >/dev/null 2>&1") != 0) {
    GTEST_SKIP() << "promtool is not installed";
  }
  config_->metrics.per_endpoint = true;
  worker(0).record(example_.report);
  const auto file = std::filesystem::temp_directory_path() /
                    ("fusegate-scrape-" + std::to_string(::getpid()) + ".txt");
  std::ofstream(file) << scrape();
  const int status = std::system(("promtool check metrics < '" + file.string() + "' 1>&2").c_str());
  std::filesystem::remove(file);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace fusegate::telemetry
