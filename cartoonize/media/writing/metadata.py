"""Metadata: copies it from a source to an output, and finds what the output lacks."""

from av.stream import Stream

from ..remote import decode_metadata

# Muxers write these themselves; copies would state what is no longer true.
_TECHNICAL = (
    "major_brand", "minor_version", "compatible_brands", "encoder", "duration", "alpha_mode", "bps",
    "number_of_", "_statistics_", "variant_bitrate",  # of HLS
    # Of MXF: the program that wrote the file, and numbers that identify it.
    "operational_pattern", "uid", "generation_uid", "company_name", "product_", "application_platform",
    "toolkit_version", "material_package", "file_package", "modification_date",
)  # fmt: skip
# Muxers write their own, or the key says how the source stored a cover.
_REPLACED = {"handler_name", "vendor_id", "software", "filename", "mimetype"}


def copy_description(target: Stream, source: Stream) -> None:
    """Copy a stream's metadata and disposition."""
    target.metadata.update(portable_metadata(source.metadata))
    if "name" in source.metadata:  # MP4's own key, which its muxer reads only as a title
        target.metadata.setdefault("title", source.metadata["name"])
    target.disposition = source.disposition


def portable_metadata(metadata: dict[str, str]) -> dict[str, str]:
    """The metadata that are true of the output too, as text."""
    decoded = {decode_metadata(key): decode_metadata(value) for key, value in metadata.items()}
    return {key: value for key, value in decoded.items() if not key.lower().startswith(_TECHNICAL)}


def missing_keys(before: dict[str, str], after: dict[str, str]) -> list[str]:
    """Keys whose value is nowhere in the metadata that were read back; containers rename some keys."""
    kept = {key.lower() for key in after} | {value.lower() for value in after.values()}
    expected = {key: value for key, value in portable_metadata(before).items() if value != "und"}
    return [
        key
        for key, value in expected.items()
        if key.lower() not in _REPLACED and key.lower() not in kept and value.lower() not in kept
    ]
