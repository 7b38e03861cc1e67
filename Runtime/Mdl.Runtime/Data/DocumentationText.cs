using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;

namespace Mdl.Runtime.Data;

/// <summary>
/// Turns the XML documentation of an assembly into plain text: one line for each summary, parameter, return value, ...; an empty line after each
/// member; tags stripped, references replaced by the name they point to, entities decoded and white space collapsed.
/// </summary>
internal ref struct DocumentationText
{
    private readonly ReadOnlySpan<byte> _xml;
    private readonly byte[] _text;
    private int _length;
    private bool _spacePending;

    private DocumentationText(ReadOnlySpan<byte> xml)
    {
        _xml = xml;
        // Decoding an entity or dropping a tag never makes the text longer, but for the marks below, which replace longer tags.
        _text = new byte[xml.Length];
    }

    /// <summary>The text of all members.</summary>
    public static Memory<byte> Of(ReadOnlySpan<byte> xml)
    {
        var text = new DocumentationText(xml);
        text.Convert();
        return text._text.AsMemory(0, text._length);
    }

    // The loop runs once over tens of megabytes when a process starts, before the runtime would have optimised it.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Convert()
    {
        var members = _xml.IndexOf("<member "u8);
        for (var i = members < 0 ? _xml.Length : members; i < _xml.Length;)
        {
            var value = _xml[i];
            if (value == '<')
            {
                i = Tag(i);
            }
            else if (value == '&')
            {
                i = Entity(i);
            }
            else
            {
                Put(value);
                i++;
            }
        }

        EndLine();
    }

    // Returns the index behind the tag.
    private int Tag(int start)
    {
        var length = _xml[start..].IndexOf((byte)'>');
        if (length < 0)
        {
            return _xml.Length;
        }

        var tag = _xml.Slice(start + 1, length - 1);
        var end = start + length + 1;
        if (tag.StartsWith("!--"u8))
        {
            var close = _xml[start..].IndexOf("-->"u8);
            return close < 0 ? _xml.Length : start + close + 3;
        }

        var nameLength = tag.IndexOfAny(" \t\r\n/"u8);
        if (nameLength == 0)
        {
            CloseTag(tag[1..]);
            return end;
        }

        var name = nameLength < 0 ? tag : tag[..nameLength];
        if (tag.EndsWith("/"u8))
        {
            EmptyTag(name, tag);
        }
        else
        {
            OpenTag(name, tag);
        }

        return end;
    }

    private void CloseTag(ReadOnlySpan<byte> name)
    {
        if (name.SequenceEqual("member"u8))
        {
            EndLine();
            if (_length > 0 && !_text.AsSpan(0, _length).EndsWith("\n\n"u8))
            {
                _text[_length++] = (byte)'\n';
            }
        }
        else if (IsBlock(name))
        {
            EndLine();
        }
    }

    private void EmptyTag(ReadOnlySpan<byte> name, ReadOnlySpan<byte> tag)
    {
        if (name.SequenceEqual("see"u8) || name.SequenceEqual("paramref"u8) || name.SequenceEqual("typeparamref"u8) || name.SequenceEqual("seealso"u8))
        {
            PutAll(Target(tag));
        }
        else if (IsBlock(name) || name.SequenceEqual("br"u8))
        {
            EndLine();
        }
    }

    private void OpenTag(ReadOnlySpan<byte> name, ReadOnlySpan<byte> tag)
    {
        if (!IsBlock(name))
        {
            return;
        }

        EndLine();
        if (name.SequenceEqual("returns"u8))
        {
            PutAll("Returns: "u8);
        }
        else if (name.SequenceEqual("param"u8) || name.SequenceEqual("typeparam"u8) || name.SequenceEqual("exception"u8))
        {
            PutAll(Target(tag));
            PutAll(": "u8);
        }
    }

    private static bool IsBlock(ReadOnlySpan<byte> name) => name.Length switch
    {
        4 => name.SequenceEqual("para"u8) || name.SequenceEqual("item"u8) || name.SequenceEqual("list"u8) || name.SequenceEqual("code"u8),
        5 => name.SequenceEqual("param"u8) || name.SequenceEqual("value"u8),
        6 => name.SequenceEqual("member"u8),
        7 => name.SequenceEqual("summary"u8) || name.SequenceEqual("returns"u8) || name.SequenceEqual("remarks"u8) || name.SequenceEqual("example"u8),
        9 => name.SequenceEqual("typeparam"u8) || name.SequenceEqual("exception"u8),
        _ => false,
    };

    // The short name of what the tag's first attribute points to: "Read" for cref="M:System.IO.Stream.Read(System.Byte[])".
    private static ReadOnlySpan<byte> Target(ReadOnlySpan<byte> tag)
    {
        var open = tag.IndexOf((byte)'"');
        if (open < 0)
        {
            return default;
        }

        var value = tag[(open + 1)..];
        var close = value.IndexOf((byte)'"');
        value = close < 0 ? value : value[..close];
        if (value.Length < 2 || value[1] != ':')
        {
            return value;
        }

        var arguments = value.IndexOfAny((byte)'(', (byte)'{');
        value = arguments < 0 ? value[2..] : value[2..arguments];
        if (value.EndsWith(".#ctor"u8))
        {
            value = value[..^6];
        }

        value = value[(value.LastIndexOf((byte)'.') + 1)..];
        var arity = value.IndexOf((byte)'`');
        return arity < 0 ? value : value[..arity];
    }

    private int Entity(int start)
    {
        var length = _xml.Slice(start, Math.Min(12, _xml.Length - start)).IndexOf((byte)';');
        if (length < 0)
        {
            Put((byte)'&');
            return start + 1;
        }

        var name = _xml.Slice(start + 1, length - 1);
        if (name.StartsWith("#"u8))
        {
            PutCharacter(name[1..]);
        }
        else
        {
            Put(name switch
            {
                _ when name.SequenceEqual("lt"u8) => (byte)'<',
                _ when name.SequenceEqual("gt"u8) => (byte)'>',
                _ when name.SequenceEqual("amp"u8) => (byte)'&',
                _ when name.SequenceEqual("apos"u8) => (byte)'\'',
                _ when name.SequenceEqual("quot"u8) => (byte)'"',
                _ => (byte)' ',
            });
        }

        return start + length + 1;
    }

    private void PutCharacter(ReadOnlySpan<byte> number)
    {
        var style = number.StartsWith("x"u8) ? NumberStyles.AllowHexSpecifier : NumberStyles.None;
        var digits = style == NumberStyles.None ? number : number[1..];
        if (int.TryParse(digits, style, null, out var value) && Rune.TryCreate(value, out var rune))
        {
            Span<byte> bytes = stackalloc byte[4];
            PutAll(bytes[..rune.EncodeToUtf8(bytes)]);
        }
    }

    private void PutAll(scoped ReadOnlySpan<byte> bytes)
    {
        foreach (var value in bytes)
        {
            Put(value);
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Put(byte value)
    {
        if (value <= ' ')
        {
            // White space before the first word of a line is dropped, any other run of it becomes one space.
            _spacePending = _length > 0 && _text[_length - 1] != '\n';
            return;
        }

        if (_spacePending)
        {
            _text[_length++] = (byte)' ';
            _spacePending = false;
        }

        _text[_length++] = value;
    }

    private void EndLine()
    {
        _spacePending = false;
        if (_length > 0 && _text[_length - 1] != '\n')
        {
            _text[_length++] = (byte)'\n';
        }
    }
}
