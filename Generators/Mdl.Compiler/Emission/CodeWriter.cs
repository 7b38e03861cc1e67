using System.Buffers;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace Mdl.Compiler.Emission;

/// <summary>Text with indentation and '\n' line ends, whatever the machine. Interpolated lines are written in place, without a string of their own.</summary>
internal sealed class CodeWriter(int indent = 0) : IDisposable
{
    // Shared: arrays of this size would be large objects of their own in every compilation.
    private char[] _text = ArrayPool<char>.Shared.Rent(4096);

    public int Indent { get; private set; } = indent;

    public int Length { get; private set; }

    /// <summary>Forgets the text and keeps its memory.</summary>
    public CodeWriter Restart(int indent)
    {
        Length = 0;
        Indent = indent;
        return this;
    }

    public void Line()
    {
        Append('\n');
    }

    public void Line(string line)
    {
        if (line.Length > 0)
        {
            Margin();
            Append(line);
        }

        Append('\n');
    }

    public void Line([InterpolatedStringHandlerArgument("")] ref LineHandler line) => Append('\n');

    /// <summary>A statement that debuggers and stack traces show at a line of the source: <c>24 "ling.mdl"</c>; null leaves it where it is.</summary>
    public void Mapped(string statement, string? place)
    {
        if (place is null)
        {
            Line(statement);
            return;
        }

        Line($"#line {place}");
        Line(statement);
        Line("#line default");
    }

    /// <summary>Text made by another writer at the right indentation already.</summary>
    public void Raw(CodeWriter other)
    {
        Reserve(other.Length);
        Array.Copy(other._text, 0, _text, Length, other.Length);
        Length += other.Length;
    }

    public void Open(string header)
    {
        Line(header);
        Block();
    }

    public void Open([InterpolatedStringHandlerArgument("")] ref LineHandler header)
    {
        Line(ref header);
        Block();
    }

    /// <summary>An opening brace in a line of its own; what follows is indented until <see cref="Close"/>.</summary>
    public void Block()
    {
        Line("{");
        Indent++;
    }

    public void Close(string suffix = "")
    {
        Indent--;
        Margin();
        Append('}');
        Append(suffix);
        Append('\n');
    }

    /// <summary>Gives the memory back; the writer is empty and must not be written to any more.</summary>
    public void Dispose()
    {
        var text = _text;
        (_text, Length) = ([], 0);
        if (text.Length > 0)
        {
            ArrayPool<char>.Shared.Return(text);
        }
    }

    public override string ToString() => new(_text, 0, Length);

    private void Append(string text)
    {
        Reserve(text.Length);
        text.CopyTo(0, _text, Length, text.Length);
        Length += text.Length;
    }

    private void Append(char c)
    {
        Reserve(1);
        _text[Length++] = c;
    }

    private void Margin()
    {
        var width = Indent * 4;
        Reserve(width);
        for (var end = Length + width; Length < end; Length++)
        {
            _text[Length] = ' ';
        }
    }

    private void Reserve(int count)
    {
        if (Length + count > _text.Length)
        {
            var larger = ArrayPool<char>.Shared.Rent(Math.Max(Length + count, 2 * _text.Length));
            Array.Copy(_text, larger, Length);
            ArrayPool<char>.Shared.Return(_text);
            _text = larger;
        }
    }

    /// <summary>Writes an interpolated line. What stands in its holes must not write to the same writer.</summary>
    [InterpolatedStringHandler]
    public readonly ref struct LineHandler
    {
        private readonly CodeWriter _writer;

        public LineHandler(int literalLength, int formattedCount, CodeWriter writer)
        {
            _writer = writer;
            writer.Margin();
        }

        public void AppendLiteral(string text) => _writer.Append(text);

        public void AppendFormatted(string? text) => _writer.Append(text ?? "");

        public void AppendFormatted(long number) => _writer.Append(number.ToString(CultureInfo.InvariantCulture));

        public void AppendFormatted(object value) => _writer.Append(Convert.ToString(value, CultureInfo.InvariantCulture));
    }
}
