// SPDX-License-Identifier: BSD-3-Clause
// JSON as tables.
#include "hostapi/tools/json_table.h"

#include <algorithm>
#include <cctype>

namespace chimney::tools {
namespace {

using Row = std::vector<std::string>;

// More columns than this do not fit a screen: such objects are shown upright,
// one column each.
constexpr size_t kMaxColumns = 14;

bool IsNumber(const std::string& text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) {
           return std::isdigit(c) != 0 || c == '.' || c == '-';
         });
}

std::string Cell(const JsonValue* value) {
  if (value == nullptr) return "-";
  return value->IsScalar() ? value->text : "...";
}

enum class Numbers : uint8_t { kLeft, kRight };

// Columns padded to their widest cell.
std::string RenderRows(const std::vector<Row>& rows,
                       Numbers numbers = Numbers::kRight) {
  std::vector<size_t> widths;
  for (const Row& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], row[i].size());
    }
  }
  std::string text;
  for (const Row& row : rows) {
    std::string line = " ";
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string padding(widths[i] - row[i].size(), ' ');
      const bool right = numbers == Numbers::kRight && IsNumber(row[i]);
      line += " " + (right ? padding + row[i] : row[i] + padding);
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

// An address and its port belong together: "local" and "local_port".
bool IsPortOf(const std::string& name, const JsonValue& row) {
  constexpr std::string_view kPort = "_port";
  if (!name.ends_with(kPort)) return false;
  return row.Find(name.substr(0, name.size() - kPort.size())) != nullptr;
}

std::string CellWithPort(const JsonValue& row, const std::string& name) {
  std::string cell = Cell(row.Find(name));
  const JsonValue* port = row.Find(name + "_port");
  if (port == nullptr) return cell;
  const bool ipv6 = cell.find(':') != std::string::npos;
  return (ipv6 ? "[" + cell + "]" : cell) + ":" + port->text;
}

std::string RenderTable(const std::vector<JsonValue>& items) {
  std::vector<Row> rows(1);
  for (const auto& [name, value] : items.front().members) {
    if (!IsPortOf(name, items.front())) rows[0].push_back(name);
  }
  for (const JsonValue& item : items) {
    Row& row = rows.emplace_back();
    for (const std::string& name : rows[0]) {
      row.push_back(CellWithPort(item, name));
    }
  }
  return RenderRows(rows);
}

// Members as lines, one column for each object.
std::string RenderUpright(const std::vector<JsonValue>& items,
                          const TableOptions& options) {
  std::vector<Row> rows;
  size_t hidden = 0;
  for (const auto& [name, first] : items.front().members) {
    Row row = {name};
    bool all_zero = true;
    for (const JsonValue& item : items) {
      row.push_back(Cell(item.Find(name)));
      all_zero = all_zero && row.back() == "0";
    }
    // The first line names the objects, also the one with number 0.
    if (options.hide_zeros && all_zero && !rows.empty()) {
      ++hidden;
    } else {
      rows.push_back(std::move(row));
    }
  }
  std::string text = RenderRows(rows);
  if (hidden != 0) {
    text += "  (" + std::to_string(hidden) + " more are 0; --all shows them)\n";
  }
  return text;
}

bool AreObjects(const std::vector<JsonValue>& items) {
  return !items.empty() &&
         std::all_of(items.begin(), items.end(), [](const JsonValue& item) {
           return item.kind == JsonValue::Kind::kObject;
         });
}

std::string RenderArray(const std::string& name,
                        const std::vector<JsonValue>& items,
                        const TableOptions& options) {
  if (items.empty()) return name + ": none\n";
  std::string text = name + ":\n";
  if (AreObjects(items)) {
    return text + (items.front().members.size() > kMaxColumns
                       ? RenderUpright(items, options)
                       : RenderTable(items));
  }
  for (const JsonValue& item : items) text += "  " + Cell(&item) + "\n";
  return text;
}

// An object whose members are all objects of scalars is a table with named
// rows.
bool IsNamedTable(const JsonValue& value) {
  return !value.members.empty() &&
         std::all_of(value.members.begin(), value.members.end(),
                     [](const auto& member) {
                       const auto& columns = member.value.members;
                       return !columns.empty() &&
                              std::all_of(columns.begin(), columns.end(),
                                          [](const auto& column) {
                                            return column.value.IsScalar();
                                          });
                     });
}

std::string RenderNamedTable(const JsonValue& value) {
  std::vector<Row> rows = {{""}};
  for (const auto& [name, column] : value.members.front().value.members) {
    rows[0].push_back(name);
  }
  for (const auto& [name, object] : value.members) {
    Row row = {name};
    for (size_t i = 1; i < rows[0].size(); ++i) {
      row.push_back(Cell(object.Find(rows[0][i])));
    }
    rows.push_back(std::move(row));
  }
  return RenderRows(rows);
}

std::string RenderObject(const JsonValue& value, const TableOptions& options) {
  std::vector<Row> scalars;
  std::string parts;
  size_t hidden = 0;
  for (const auto& [name, member] : value.members) {
    if (member.IsScalar()) {
      if (options.hide_zeros && member.text == "0") {
        ++hidden;
      } else {
        scalars.push_back({name, member.text});
      }
    } else if (member.kind == JsonValue::Kind::kArray) {
      parts += RenderArray(name, member.items, options);
    } else if (IsNamedTable(member)) {
      parts += name + ":\n" + RenderNamedTable(member);
    } else {
      parts += name + ":\n" + RenderObject(member, options);
    }
  }
  if (hidden != 0) {
    scalars.push_back({"(" + std::to_string(hidden) + " more are 0)"});
  }
  return RenderRows(scalars, Numbers::kLeft) + parts;
}

}  // namespace

std::string RenderForPeople(const JsonValue& value,
                            const TableOptions& options) {
  if (value.kind == JsonValue::Kind::kObject) {
    return RenderObject(value, options);
  }
  if (value.kind == JsonValue::Kind::kArray) {
    return RenderArray("list", value.items, options);
  }
  return value.text + "\n";
}

}  // namespace chimney::tools
