using Mdl.Dsl.Graphs;

namespace Mdl.Dsl.Binding;

/// <summary>
/// What a denoiser is made of, D = Skip y + Out F(In y, log(sigma) / 4), as functions of sigma in the graph: Karras et al. (2206.00364), table 1, and the same for
/// networks that predict something in the process's own coordinates x = alpha y, x = alpha x0 + std eps, sigma = std / alpha.
/// </summary>
/// <param name="In">c_in.</param>
/// <param name="Skip">c_skip, or null for 0.</param>
/// <param name="Out">c_out.</param>
internal sealed record NetworkScales(Value In, Value? Skip, Value Out)
{
    public static NetworkScales Of(GraphBuilder builder, BoundNetwork network, BoundProcess process, Value sigma)
    {
        var one = builder.Constant(1);
        var square = builder.Unary(UnaryFunction.Square, sigma);
        Value Multiply(Value a, Value b) => builder.Binary(BinaryFunction.Multiply, a, b);
        if (network.Predicts == "edm")
        {
            var variance = network.Data * network.Data;
            var root = builder.Unary(UnaryFunction.Rsqrt, builder.Binary(BinaryFunction.Add, square, variance));
            return new(
                root,
                builder.Binary(BinaryFunction.Multiply, builder.Unary(UnaryFunction.Square, root), variance),
                builder.Binary(BinaryFunction.Multiply, Multiply(sigma, root), network.Data));
        }

        var alpha = Alpha(builder, process, sigma, square);
        var minus = builder.Binary(BinaryFunction.Multiply, sigma, -1);
        return network.Predicts switch
        {
            "x0" => new(alpha, null, one),
            "eps" => new(alpha, one, minus),
            "v" => new(alpha, builder.Unary(UnaryFunction.Square, alpha), Multiply(minus, alpha)),
            "score" => new(alpha, one, Multiply(square, alpha)),
            _ => new(alpha, alpha, Multiply(minus, alpha)),
        };
    }

    private static Value Alpha(GraphBuilder builder, BoundProcess process, Value sigma, Value square)
    {
        Value Plus(Value x, double number) => builder.Binary(BinaryFunction.Add, x, number);
        return process.Kind switch
        {
            "ve" => builder.Constant(1),
            "flow" => builder.Unary(UnaryFunction.Reciprocal, Plus(sigma, 1)),

            // std = 1 - alpha^2, so alpha^2 + sigma alpha - 1 = 0; this form of its root does not cancel.
            "subvp" => builder.Binary(
                BinaryFunction.Divide, builder.Constant(2), builder.Binary(BinaryFunction.Add, sigma, builder.Unary(UnaryFunction.Sqrt, Plus(square, 4)))),
            _ => builder.Unary(UnaryFunction.Rsqrt, Plus(square, 1)),
        };
    }

    /// <summary>The factor of (D - x0)^2 that makes it the squared error of something else.</summary>
    public static Value Weight(GraphBuilder builder, NetworkTraining training, double data, Value sigma)
    {
        var square = builder.Unary(UnaryFunction.Square, sigma);
        var inverse = builder.Unary(UnaryFunction.Reciprocal, square);
        return training.Weight switch
        {
            "x0" => builder.Constant(1),
            "eps" => inverse,
            "score" => builder.Unary(UnaryFunction.Square, inverse),
            "v" => builder.Binary(BinaryFunction.Add, inverse, 1),
            "flow" => builder.Unary(UnaryFunction.Square, builder.Binary(BinaryFunction.Add, builder.Unary(UnaryFunction.Reciprocal, sigma), 1)),
            "min_snr" => builder.Binary(BinaryFunction.Minimum, inverse, training.WeightLimit),
            _ => builder.Binary(BinaryFunction.Add, inverse, 1 / (data * data)),
        };
    }
}
