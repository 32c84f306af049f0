// SPDX-License-Identifier: BSD-3-Clause
// Writes JSON text; commas and quoting are its business, nesting the caller's.
#ifndef CHIMNEY_DAEMON_JSON_WRITER_H_
#define CHIMNEY_DAEMON_JSON_WRITER_H_

#include <concepts>
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace chimney::daemon {

class JsonWriter {
 public:
  void BeginObject(std::string_view name = {}) { Open(name, '{'); }
  void EndObject() { Close('}'); }
  void BeginArray(std::string_view name = {}) { Open(name, '['); }
  void EndArray() { Close(']'); }

  void Value(std::string_view name, std::string_view value) {
    Name(name);
    Quote(value);
  }
  void Value(std::string_view name, const char* value) {
    Value(name, std::string_view(value));
  }
  void Value(std::string_view name, bool value) {
    Name(name);
    text_ += value ? "true" : "false";
  }
  template <std::integral T>
  void Value(std::string_view name, T value) {
    Name(name);
    text_ += std::to_string(value);
  }
  const std::string& text() const { return text_; }

 private:
  void Name(std::string_view name) {
    if (comma_) text_ += ',';
    comma_ = true;
    if (name.empty()) return;
    Quote(name);
    text_ += ':';
  }
  void Open(std::string_view name, char bracket) {
    Name(name);
    text_ += bracket;
    comma_ = false;
  }
  void Close(char bracket) {
    text_ += bracket;
    comma_ = true;
  }
  // Names of sessions come from their processes: anything may be in them.
  void Quote(std::string_view value) {
    text_ += '"';
    for (const char c : value) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        text_ += '\\';
        text_ += c;
      } else if (byte < 0x20 || byte > 0x7e) {
        char escape[8];
        std::snprintf(escape, sizeof(escape), "\\u%04x", byte);
        text_ += escape;
      } else {
        text_ += c;
      }
    }
    text_ += '"';
  }

  std::string text_;
  bool comma_ = false;
};

}  // namespace chimney::daemon

#endif  // CHIMNEY_DAEMON_JSON_WRITER_H_
