using System.Text;
using Mdl.Runtime.Checkpoints;

namespace Minimax.Sample.Reports;

/// <summary>The report: tables and pictures in Markdown.</summary>
internal sealed class Document
{
    private readonly StringBuilder _text = new();

    public void Add(string paragraph) => _text.Append(paragraph).Append("\n\n");

    public void AddTable(string[] heads, IEnumerable<string[]> rows)
    {
        Row(heads);
        Row([.. heads.Select(_ => "---")]);
        foreach (var row in rows)
        {
            Row(row);
        }

        _text.Append('\n');
    }

    public void Save(string path) => AtomicFile.Write(path, stream => stream.Write(Encoding.UTF8.GetBytes(_text.ToString())));

    private void Row(string[] cells) => _text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
}
