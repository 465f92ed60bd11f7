#pragma once

#include "http/field_set.hpp"
#include "http/head.hpp"
#include "http/head_buffer.hpp"

namespace fusegate::http {

/// Appends the field lines of `head` but those in `dropped` and, unless in `unnamed`, those that
/// its Connection fields name. Lines that stand side by side are copied at once.
void copy_fields(const Head& head, FieldSet dropped, FieldSet unnamed, HeadBuffer& out);

/// Appends `connection: upgrade` and the Upgrade fields of `head`.
void write_upgrade(const Head& head, HeadBuffer& out);

}  // namespace fusegate::http
