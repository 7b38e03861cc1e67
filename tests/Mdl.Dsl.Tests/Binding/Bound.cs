using Mdl.Dsl.Binding;
using Mdl.Dsl.Graphs;

namespace Mdl.Dsl.Tests.Binding;

/// <summary>Binds texts for tests.</summary>
internal static class Bound
{
    public static Compilation File(string text, params (string Path, string Text)[] others) =>
        Binder.Bind(new("test.mdl", text), path => others.Where(o => o.Path == path).Select(o => new SourceText(o.Path, o.Text)).FirstOrDefault());

    /// <summary>The first model of a text that has nothing wrong.</summary>
    public static BoundModel Model(string text)
    {
        var compilation = File(text);
        Assert.Empty(compilation.Diagnostics);
        return compilation.Models[0];
    }

    public static string Sample(string path) => System.IO.File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Samples", path));

    /// <summary>All operations of a graph, those of repeated bodies included.</summary>
    public static IEnumerable<Operation> Operations(this Graph graph) =>
        graph.Nodes.SelectMany(n => n.Operation is Repeat repeat ? repeat.Body.Operations().Prepend(repeat) : [n.Operation]);

    public static IEnumerable<T> All<T>(this BoundGraph graph)
        where T : Operation => graph.Graph.Operations().OfType<T>();

    public static BoundParameter Parameter(this BoundModel model, string key) => Assert.Single(model.Parameters, p => p.Key == key);

    /// <summary>The one-based line and column, id and message of each diagnostic.</summary>
    public static string[] Lines(this Compilation compilation, string text) => compilation.Diagnostics
        .Select(d =>
        {
            var (line, column) = new SourceText("", text).Locate(d.Span.Start);
            return $"{line + 1}:{column + 1} {d.Id} {d.Message}";
        })
        .ToArray();
}
