using System.Text;

namespace Mdl.Compiler.Emission;

/// <summary>Text with indentation and '\n' line ends, whatever the machine.</summary>
internal sealed class CodeWriter(int indent = 0)
{
    private readonly StringBuilder _text = new();

    public int Indent { get; private set; } = indent;

    public void Line(string line = "")
    {
        if (line.Length > 0)
        {
            _text.Append(' ', Indent * 4).Append(line);
        }

        _text.Append('\n');
    }

    /// <summary>Lines that carry their own indentation relative to this writer's.</summary>
    public void Lines(string text)
    {
        foreach (var line in text.Split('\n'))
        {
            Line(line);
        }
    }

    /// <summary>Text made by another writer at the right indentation already.</summary>
    public void Raw(string text) => _text.Append(text);

    public void Open(string header)
    {
        Line(header);
        Line("{");
        Indent++;
    }

    public void Close(string suffix = "")
    {
        Indent--;
        Line("}" + suffix);
    }

    public override string ToString() => _text.ToString();
}
