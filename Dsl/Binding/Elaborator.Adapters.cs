using Mdl.Dsl.Graphs;
namespace Mdl.Dsl.Binding;

/// <summary>The matrix of a parameter with an adapter and the two factors of what the adapter adds: matrix + scale b a.</summary>
internal sealed record Adapted(Tensor Matrix, Tensor A, Tensor B, double Scale);

/// <summary>Parameters with low-rank adapters.</summary>
internal sealed partial class Elaborator
{
    private bool IsFrozen(BoundParameter parameter) => settings is not null
        && (settings.Adapters is not null || settings.Frozen.Any(p => p.Matches(parameter.Path)));

    private bool IsAdapted(BoundParameter parameter) => !parameter.IsState && MatrixAxes(parameter) == 2
        && settings?.Adapters is { } adapters && adapters.Of.Any(p => p.Matches(parameter.Path));

    private static int MatrixAxes(BoundParameter parameter) => parameter.Shape.Count - (parameter.HasExperts ? 1 : 0);

    /// <summary>
    /// The parameter as all see it: matrix + scale b a. A product distributes (<see cref="Contract"/>) and never computes this sum; other uses,
    /// such as rows of an embedding, take it as it stands.
    /// </summary>
    private Entity WithAdapter(BoundParameter parameter, Tensor matrix, Home home, Span span, Frame frame)
    {
        var adapters = settings!.Adapters!;
        var (outputs, inputs) = (parameter.Shape[parameter.Shape.Count - 2], parameter.Shape[parameter.Shape.Count - 1]);

        // The first factor starts with the variance of a layer's usual start, 1 / (3 inputs); the second with zeros, so that nothing changes at first.
        var a = Factor(AdapterPart.A, [adapters.Rank, inputs], new(true, 1 / Math.Sqrt(3.0 * inputs)));
        var b = Factor(AdapterPart.B, [outputs, adapters.Rank], new(false, 0));
        if (a is null || b is null)
        {
            return Silent();
        }

        var builder = frame.Region.Builder;
        var product = builder.Add(new Contract(false, false) { InF32 = matrix.InF32 }, Here(b, frame), Here(a, frame));
        var sum = builder.Binary(BinaryFunction.Add, Here(matrix, frame), builder.Binary(BinaryFunction.Multiply, product, adapters.Scale));
        return matrix with { Region = frame.Region, Value = sum, Adapter = new(matrix, a, b, adapters.Scale) };

        Tensor? Factor(AdapterPart part, EquatableArray<long> shape, Initializer initial)
        {
            var path = parameter.Path + (part == AdapterPart.A ? "_lora_a" : "_lora_b");
            EquatableArray<long> stacked = home.Experts is { } experts ? [experts.Count, .. shape] : shape;
            var factor = parameter with
            {
                Path = path, Shape = stacked, Initial = initial, IsFrozen = false, IsSingle = true, Adapter = part, AdapterOf = parameter.Key, Doc = $"Factor {part} of the adapter of {parameter.Path.Substring(parameter.Path.LastIndexOf('.') + 1)}.",
            };
            if (Parameters.Find(factor.Key) is not { } known)
            {
                Parameters.Add(factor);
            }
            else if (known.Adapter != part || known.Shape != stacked)
            {
                Report(frame, DiagnosticIds.DuplicateName, span, $"`{path}` is the name of a parameter already, and that of an adapter");
                return null;
            }

            return Load(factor.Key, shape.Select(n => (Dim)n).ToEquatableArray(), home, frame) with { InF32 = matrix.InF32 };
        }
    }

    /// <summary>The factors in the order in which rows meet them, with the second scaled on its narrow side.</summary>
    private Value Adapt(Value product, Adapted adapter, bool isTransposed, Func<Value, Value, Value> contract, Value rows, Frame frame)
    {
        var builder = frame.Region.Builder;
        var (first, second) = isTransposed ? (adapter.A, adapter.B) : (adapter.B, adapter.A);
        var narrow = builder.Binary(BinaryFunction.Multiply, contract(rows, Here(first, frame)), adapter.Scale);
        return builder.Binary(BinaryFunction.Add, product, contract(narrow, Here(second, frame)));
    }
}
