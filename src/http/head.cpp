#include "http/head.hpp"

#include "http/chars.hpp"

namespace fusegate::http {

const Field* FieldList::find(std::string_view name) const {
  for (const Field& field : fields_) {
    if (iequals(field.name, name)) {
      return &field;
    }
  }
  return nullptr;
}

void FieldList::clear() {
  fields_.clear();
  first_.fill(kNone);
}

FieldId FieldList::push(std::string_view name, std::string_view value) {
  const FieldId id = field_id(name);
  std::uint16_t& first = first_[static_cast<std::size_t>(id)];
  if (first == kNone) {
    first = static_cast<std::uint16_t>(fields_.size());
  }
  fields_.push_back(Field{name, value, id});
  return id;
}

BodyKind outgoing_body(const ResponseHead& head, int client_minor) {
  const bool unsized = head.body == BodyKind::Chunked || head.body == BodyKind::UntilClose;
  if (!unsized) {
    return head.body;
  }
  return client_minor == 0 ? BodyKind::UntilClose : BodyKind::Chunked;
}

}  // namespace fusegate::http
