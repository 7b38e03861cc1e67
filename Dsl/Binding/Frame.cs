using Mdl.Dsl.Graphs;

namespace Mdl.Dsl.Binding;

/// <summary>One activation of a body: its names, and where its computations and parameters go.</summary>
internal sealed class Frame(Declaration declaration, Region region, Home home)
{
    public Declaration Declaration { get; } = declaration;

    public Source Source => Declaration.Source;

    /// <summary>The source's words between backquotes.</summary>
    public string Quote(Span span) => Source.Quote(span);

    public Region Region { get; } = region;

    public Home Home { get; } = home;

    /// <summary>The call that made this frame; null for a model.</summary>
    public Frame? Caller { get; init; }

    public Span CallSpan { get; init; }

    /// <summary>The body around this one, whose names it sees: the model's for an mtp block.</summary>
    public Frame? Around { get; init; }

    public RouterContext? Router { get; init; }

    public Dictionary<string, Entity> Names { get; } = new(StringComparer.Ordinal);

    /// <summary>Next index of each repeated segment, and number of inline blocks of each name.</summary>
    public Dictionary<string, int> Segments { get; } = new(StringComparer.Ordinal);

    /// <summary>Keys of the states among the names.</summary>
    public Dictionary<string, string> States { get; } = new(StringComparer.Ordinal);

    /// <summary>The axes that <c>..</c> stands for, once an input has bound them.</summary>
    public EquatableArray<Dim>? Ellipsis { get; set; }

    public Entity? Result { get; set; }

    public string? Label { get; set; }

    public Span ResultSpan { get; set; }

    public int Depth => Caller is null ? 0 : Caller.Depth + 1;

    public Entity? Find(string name)
    {
        for (var frame = this; frame is not null; frame = frame.Around)
        {
            if (frame.Names.TryGetValue(name, out var entity))
            {
                return entity;
            }
        }

        return null;
    }

    public IEnumerable<string> VisibleNames()
    {
        for (var frame = this; frame is not null; frame = frame.Around)
        {
            foreach (var name in frame.Names.Keys)
            {
                yield return name;
            }
        }
    }
}
