#include "http/field_copier.hpp"

#include "http/framing.hpp"

namespace fusegate::http {
namespace {

void copy_run(const char* begin, const char* end, HeadBuffer& out) {
  out.append({begin, static_cast<std::size_t>(end - begin)});
}

}  // namespace

void copy_fields(const Head& head, FieldSet dropped, FieldSet unnamed, HeadBuffer& out) {
  const char* run = nullptr;
  for (const Field& field : head.fields) {
    const bool keep = !dropped.has(field.id) &&
                      (!head.nominates || unnamed.has(field.id) || !is_nominated(head, field));
    if (keep && run == nullptr) {
      run = field.name.data();
    } else if (!keep && run != nullptr) {
      copy_run(run, field.name.data(), out);
      run = nullptr;
    }
  }
  if (run != nullptr) {
    copy_run(run, head.field_lines.data() + head.field_lines.size(), out);
  }
}

void write_upgrade(const Head& head, HeadBuffer& out) {
  out.append("connection: upgrade\r\n");
  for (const Field& field : head.fields) {
    if (field.id == FieldId::Upgrade) {
      out.append_field("upgrade", field.value);
    }
  }
}

}  // namespace fusegate::http
